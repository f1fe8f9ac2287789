use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
#[batch]
struct Labelled(Tensor);

fn main() {}
