use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "self"]
    kl: Tensor,
}

fn main() {}
