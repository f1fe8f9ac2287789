use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    if mode.is_train() {
        #[group = "info"]
        let size: Tensor = logits.f_mean(Kind::Float)?;
        drop(size);
    }
    Ok(logits.f_mean(Kind::Float)?)
}

fn main() {}
