use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean(0), std)]
    kl: Tensor,
}

fn main() {}
