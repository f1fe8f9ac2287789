use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = 3]
    kl: Tensor,
}

fn main() {}
