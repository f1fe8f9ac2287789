use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "info"]
    #[metric(samples)]
    size: bool,
}

fn main() {}
