use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten)]
    auxiliary: Tensor,
}

fn main() {}
