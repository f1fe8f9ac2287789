use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flaten)]
    auxiliary: (),
}

fn main() {}
