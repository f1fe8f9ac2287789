use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(
    model: &M,
    batch: &Labeled,
    mode: Mode,
    #[param] names: &[String],
) -> booster::Result<Tensor> {
    drop(names);
    Ok(model.forward_t(&batch.input, mode.is_train()).f_mean(Kind::Float)?)
}

fn main() {}
