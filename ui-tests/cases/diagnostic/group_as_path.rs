use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = LOSS]
    kl: Tensor,
}

const LOSS: &str = "loss";

fn main() {}
