use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
struct Labelled(Tensor, f64);

fn main() {}
