use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(skip, flatten)]
    auxiliary: (),
}

fn main() {}
