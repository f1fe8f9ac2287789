use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(reduce = Self)]
    kl: Tensor,
}

fn main() {}
