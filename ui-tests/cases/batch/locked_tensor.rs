use booster::prelude::*;
use booster::tch::Tensor;
use std::sync::Mutex;

#[derive(Batch)]
struct Labeled {
    input: Mutex<Tensor>,
}

fn main() {}
