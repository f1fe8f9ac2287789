use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(skip)]
    #[metric(sum)]
    kl: Tensor,
}

fn main() {}
