use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic]
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
