// errors: 2
use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
#[batch(name = 3)]
struct Labeled {
    #[batch(pad)]
    input: Tensor,
}

fn main() {}
