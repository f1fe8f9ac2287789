use booster::prelude::*;
use booster::tch::Tensor;

fn aggregate(value: &Tensor) -> booster::Result<()> {
    Aggregator::new().update(value)
}

fn main() {}
