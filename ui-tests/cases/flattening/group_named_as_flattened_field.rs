use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "auxiliary"]
    kl: Tensor,
    #[diagnostic(flatten)]
    auxiliary: (),
}

fn main() {}
