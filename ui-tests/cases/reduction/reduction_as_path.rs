use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, reductions::Geometric)]
    kl: Tensor,
}

fn main() {}
