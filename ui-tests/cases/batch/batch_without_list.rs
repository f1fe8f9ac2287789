use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
#[batch]
struct Labeled(Tensor);

fn main() {}
