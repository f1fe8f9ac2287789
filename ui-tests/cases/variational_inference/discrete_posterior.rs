use booster::distributions::Bernoulli;
use booster::evaluation::Latents;
use booster::tch::Tensor;

fn draw(latents: &mut Latents, posterior: &Bernoulli, prior: &Bernoulli) -> booster::Result<Tensor> {
    latents.sample(posterior, prior)
}

fn main() {}
