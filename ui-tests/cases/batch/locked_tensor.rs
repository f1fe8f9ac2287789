use booster::prelude::*;
use booster::tch::Tensor;
use std::sync::Mutex;

#[derive(Batch)]
struct Labelled {
    input: Mutex<Tensor>,
}

fn main() {}
