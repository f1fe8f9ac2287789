use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(geometric)]
    kl: Tensor,
}

fn main() {}
