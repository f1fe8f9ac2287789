use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
union Vae {
    kl: f64,
}

fn main() {}
