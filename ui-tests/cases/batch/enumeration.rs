use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
enum Labelled {
    Input(Tensor),
}

fn main() {}
