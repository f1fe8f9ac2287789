use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
#[batch(create = booster)]
struct Labeled(Tensor);

fn main() {}
