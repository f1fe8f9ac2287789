use booster::prelude::*;
use booster::tch::nn::Linear;

#[derive(Batch)]
struct Layers {
    hidden: Linear,
}

fn main() {}
