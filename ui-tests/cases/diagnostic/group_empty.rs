use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = ""]
    kl: Tensor,
}

fn main() {}
