use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(ema(1.0))]
    kl: Tensor,
}

fn main() {}
