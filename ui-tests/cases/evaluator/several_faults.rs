// errors: 5
use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::Tensor;

#[evaluator]
async fn likelihood<M: ModuleT>(model: M, batch: &Labeled, mode: Mode, beta: f64) -> booster::Result<Tensor> {
    #[group = "loss"]
    let logits = model.forward_t(&batch.input, mode.is_train());
    if mode.is_train() {
        return Ok(logits);
    }
    Ok(logits * beta)
}

fn main() {}
