use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::Tensor;

type Evaluated = booster::Result<Tensor>;

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> Evaluated {
    Ok(model.forward_t(&batch.input, mode.is_train()))
}

fn main() {}
