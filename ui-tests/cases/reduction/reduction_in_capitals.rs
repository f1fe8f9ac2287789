use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(MEAN)]
    kl: Tensor,
}

fn main() {}
