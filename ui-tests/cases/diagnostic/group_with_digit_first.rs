use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "2x"]
    kl: Tensor,
}

fn main() {}
