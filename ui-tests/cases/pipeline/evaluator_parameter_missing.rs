use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Device, Tensor, nn};

#[evaluator]
fn weighting<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, mode.is_train()) * beta)
}

fn main() {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let pipeline = Pipeline::build(Device::Cpu, net, Weighting::new());
}
