use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Images {
    input: Tensor,
    count: usize,
}

fn main() {}
