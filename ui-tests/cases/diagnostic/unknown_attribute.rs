use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(rename = "divergence")]
    #[group = "loss"]
    kl: Tensor,
}

fn main() {}
