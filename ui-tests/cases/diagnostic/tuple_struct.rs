use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae(Tensor);

fn main() {}
