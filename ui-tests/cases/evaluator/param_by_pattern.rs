use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[derive(Clone, Debug)]
struct Range {
    low: f64,
}

#[evaluator]
fn likelihood<M: ModuleT>(
    model: &M,
    batch: &Labeled,
    mode: Mode,
    #[param] Range { low }: Range,
) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, mode.is_train()).f_mean(Kind::Float)? * low)
}

fn main() {}
