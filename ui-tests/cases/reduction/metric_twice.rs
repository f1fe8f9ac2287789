use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean)]
    #[metric(std)]
    kl: Tensor,
}

fn main() {}
