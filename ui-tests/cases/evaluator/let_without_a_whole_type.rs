use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    #[output]
    let parts: Vec<_> = vec![logits.shallow_clone()];
    Ok(logits.f_mean(Kind::Float)?)
}

fn main() {}
