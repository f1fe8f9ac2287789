use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labelled {
    input: &'static Tensor,
}

fn main() {}
