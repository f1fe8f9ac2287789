use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, true).f_mean(Kind::Float)?)
}

fn main() {}
