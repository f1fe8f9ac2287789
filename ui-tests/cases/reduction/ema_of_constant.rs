use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(ema(DECAY))]
    kl: Tensor,
}

fn main() {}
