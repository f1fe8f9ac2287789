use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[derive(Debug)]
struct Beta(f64);

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] beta: Beta) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, mode.is_train()).f_mean(Kind::Float)? * beta.0)
}

fn main() {}
