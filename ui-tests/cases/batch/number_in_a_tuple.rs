use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled(Tensor, f64);

fn main() {}
