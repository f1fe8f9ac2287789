use booster::prelude::*;
use booster::tch::nn::Module;
use booster::tch::{Kind, Tensor};

#[evaluator]
const fn likelihood(model: &impl Module, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = model.forward(&batch.input);
    Ok(nll.f_mean(Kind::Float)?)
}

fn call(model: &impl Module, batch: &Labeled) -> booster::Result<Tensor> {
    likelihood(model, batch, Mode::Eval)
}

fn main() {}
