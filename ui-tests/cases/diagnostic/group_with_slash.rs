use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "a/b"]
    kl: Tensor,
}

fn main() {}
