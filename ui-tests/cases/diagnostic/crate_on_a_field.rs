use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(crate = booster)]
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
