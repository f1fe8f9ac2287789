use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[diagnostic(crate = booster, crate = ::booster)]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
