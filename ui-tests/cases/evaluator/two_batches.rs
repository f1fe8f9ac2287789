use booster::prelude::*;
use booster::tch::Tensor;
use booster::tch::nn::ModuleT;

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, images: &Tensor, labels: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    Ok(model.forward_t(images, mode.is_train()).cross_entropy_for_logits(labels))
}

fn main() {}
