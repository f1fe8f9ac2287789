use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labelled {
    input: &Tensor,
}

fn main() {}
