use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, reduce = a::Geometric, reduce = b::Geometric)]
    kl: Tensor,
}

fn main() {}
