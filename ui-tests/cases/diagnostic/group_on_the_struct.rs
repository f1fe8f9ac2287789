use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[group = "loss"]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
