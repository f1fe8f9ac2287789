use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, ema)]
    kl: Tensor,
}

fn main() {}
