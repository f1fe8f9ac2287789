use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let mut r#type: Option<Tensor> = None;
    r#type = Some(model.forward_t(&batch.input, mode.is_train()));
    Ok(batch.input.f_mean(Kind::Float)?)
}

fn main() {}
