use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(histogram(0, 1, 1000000))]
    kl: Tensor,
}

fn main() {}
