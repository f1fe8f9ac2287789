use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled {
    input: &'static Tensor,
}

fn main() {}
