use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(reduce = "Geometric")]
    kl: Tensor,
}

fn main() {}
