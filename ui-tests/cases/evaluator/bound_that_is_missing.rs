// errors: 3
use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

struct Frozen<M: ModuleT>(M);

#[evaluator]
fn likelihood<M>(_model: &Frozen<M>, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = batch.input.shallow_clone();
    Ok(nll.f_mean(Kind::Float)?)
}

fn main() {}
