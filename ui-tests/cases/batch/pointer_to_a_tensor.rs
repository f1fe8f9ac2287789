use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labelled {
    input: Tensor,
    target: *const Tensor,
}

fn main() {}
