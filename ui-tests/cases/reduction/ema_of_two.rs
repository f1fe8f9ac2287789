use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(ema(0.9, 0.99))]
    kl: Tensor,
}

fn main() {}
