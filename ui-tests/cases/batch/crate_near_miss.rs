use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
#[batch(create = booster)]
struct Labelled(Tensor);

fn main() {}
