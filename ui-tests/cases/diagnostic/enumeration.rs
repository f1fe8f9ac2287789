use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
enum Vae {
    Kl(Tensor),
}

fn main() {}
