use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[diagnostic(crate)]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
