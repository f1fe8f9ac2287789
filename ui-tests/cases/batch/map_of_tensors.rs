use std::collections::HashMap;

use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled {
    tensors: HashMap<String, Tensor>,
}

fn main() {}
