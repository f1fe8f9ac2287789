use booster::prelude::*;
use booster::tch::nn::ModuleT;

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) {
    drop(model.forward_t(&batch.input, mode.is_train()));
}

fn main() {}
