use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    elbo: Tensor,
    kl: Tensor,
}

fn main() {}
