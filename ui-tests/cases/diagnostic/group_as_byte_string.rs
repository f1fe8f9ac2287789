use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = b"loss"]
    kl: Tensor,
}

fn main() {}
