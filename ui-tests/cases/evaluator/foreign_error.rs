use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::Tensor;

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> Result<Tensor, std::io::Error> {
    Ok(model.forward_t(&batch.input, mode.is_train()))
}

fn main() {}
