use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
enum Labeled {
    Input(Tensor),
}

fn main() {}
