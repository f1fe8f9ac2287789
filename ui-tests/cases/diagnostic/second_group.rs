use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[group = "info"]
    kl: Tensor,
}

fn main() {}
