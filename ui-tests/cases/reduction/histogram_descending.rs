use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(histogram(1, 0, 5))]
    kl: Tensor,
}

fn main() {}
