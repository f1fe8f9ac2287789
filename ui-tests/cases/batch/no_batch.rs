use booster::prelude::*;
use booster::tch::Tensor;

struct Labelled {
    input: Tensor,
}

fn join(parts: Vec<Labelled>) -> booster::Result<Labelled> {
    Batch::join(parts)
}

fn main() {}
