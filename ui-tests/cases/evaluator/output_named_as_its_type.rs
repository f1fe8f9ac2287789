use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[derive(Batch)]
struct LikelihoodOutput {
    logits: Tensor,
}

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let all: LikelihoodOutput = LikelihoodOutput { logits: model.forward_t(&batch.input, mode.is_train()) };
    Ok(all.logits.f_mean(Kind::Float)?)
}

fn main() {}
