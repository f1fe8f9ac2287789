use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(histogram(low, 1, 20))]
    kl: Tensor,
}

fn main() {}
