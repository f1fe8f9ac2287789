use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, p105)]
    kl: Tensor,
}

fn main() {}
