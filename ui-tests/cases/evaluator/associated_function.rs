use booster::prelude::*;
use booster::tch::Tensor;

struct Likelihood;

impl Likelihood {
    #[evaluator]
    fn evaluate(_: &Self, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
        Ok(batch.input.shallow_clone())
    }
}

fn main() {}
