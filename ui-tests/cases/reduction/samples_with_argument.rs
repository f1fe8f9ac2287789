use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(samples(3))]
    kl: Tensor,
}

fn main() {}
