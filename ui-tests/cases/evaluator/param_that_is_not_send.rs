use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(
    model: &M,
    batch: &Labeled,
    mode: Mode,
    #[param] beta: std::rc::Rc<f64>,
) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, mode.is_train()).f_mean(Kind::Float)? * *beta)
}

fn main() {}
