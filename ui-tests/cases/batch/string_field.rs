use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled {
    input: Tensor,
    name: String,
}

fn main() {}
