use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(samples, samples)]
    kl: Tensor,
}

fn main() {}
