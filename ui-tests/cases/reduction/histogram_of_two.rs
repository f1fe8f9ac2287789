use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(histogram(0, 1))]
    kl: Tensor,
}

fn main() {}
