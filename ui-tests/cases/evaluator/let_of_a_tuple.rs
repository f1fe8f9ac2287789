use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let (values, classes) = model.forward_t(&batch.input, mode.is_train()).max_dim(-1, false);
    Ok(values.f_mean(Kind::Float)?)
}

fn main() {}
