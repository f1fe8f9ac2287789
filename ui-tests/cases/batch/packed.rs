use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Batch)]
#[repr(C, packed)]
struct Images {
    input: Tensor,
}

fn main() {}
