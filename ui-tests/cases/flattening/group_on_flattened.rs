use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[diagnostic(flatten)]
    auxiliary: (),
}

fn main() {}
