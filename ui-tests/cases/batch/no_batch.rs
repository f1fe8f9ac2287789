use booster::prelude::*;
use booster::tch::Tensor;

struct Labeled {
    input: Tensor,
}

fn join(parts: Vec<Labeled>) -> booster::Result<Labeled> {
    Batch::join(parts)
}

fn main() {}
