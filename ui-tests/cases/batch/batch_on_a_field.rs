use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labelled {
    input: Tensor,
    #[batch(skip)]
    target: Tensor,
}

fn main() {}
