use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::Tensor;

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    Ok(3.0)
}

fn main() {}
