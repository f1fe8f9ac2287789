use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labeled {
    input: Tensor,
    lengths: Vec<i64>,
    shared: std::sync::Arc<Tensor>,
}

fn main() {}
