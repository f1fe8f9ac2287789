use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor as T};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<T> {
    Ok(model.forward_t(&batch.input, mode.is_train()).mean(Kind::Float))
}

fn main() {}
