use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, std)]
    kl: Tensor,
    #[group = "loss"]
    kl_std: Tensor,
}

fn main() {}
