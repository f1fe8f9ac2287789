use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(ema(0.0))]
    kl: Tensor,
}

fn main() {}
