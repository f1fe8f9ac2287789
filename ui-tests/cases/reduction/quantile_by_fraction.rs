use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(quantile(0.95))]
    kl: Tensor,
}

fn main() {}
