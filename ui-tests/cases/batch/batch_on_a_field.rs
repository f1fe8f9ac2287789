use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled {
    input: Tensor,
    #[batch(skip)]
    target: Tensor,
}

fn main() {}
