// errors: 3
use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(men, std(2), p105, max)]
    kl: Tensor,
}

fn main() {}
