use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled {
    input: Tensor,
    target: *const Tensor,
}

fn main() {}
