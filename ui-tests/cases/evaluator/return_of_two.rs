use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<(Loss, Tensor)> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    Ok((logits.f_mean(Kind::Float)?.into(), logits))
}

fn main() {}
