use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[metric(sum)]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
