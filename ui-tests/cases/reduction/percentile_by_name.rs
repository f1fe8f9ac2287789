use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(percentile(99.9))]
    kl: Tensor,
}

fn main() {}
