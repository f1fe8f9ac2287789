use booster::prelude::*;
use booster::tch::Tensor;

trait Likelihood {
    #[evaluator]
    fn evaluate(model: &Self, batch: &Labeled, mode: Mode) -> booster::Result<Tensor>;
}

fn main() {}
