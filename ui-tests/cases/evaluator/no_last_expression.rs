use booster::prelude::*;
use booster::tch::Tensor;
use booster::tch::nn::ModuleT;

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = model.forward_t(&batch.input, mode.is_train());
    drop(nll);
}

fn main() {}
