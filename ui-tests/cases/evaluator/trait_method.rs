use booster::prelude::*;
use booster::tch::Tensor;

trait Likelihood {
    #[evaluator]
    fn evaluate(model: &Self, batch: &Labelled, mode: Mode) -> booster::Result<Tensor>;
}

fn main() {}
