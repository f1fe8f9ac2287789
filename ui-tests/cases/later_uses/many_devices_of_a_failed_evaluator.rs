use booster::prelude::*;
use booster::tch::nn::{self, ModuleT};
use booster::tch::{Device, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] beta: &str) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, mode.is_train()))
}

fn evaluate(batch: &Labeled) -> booster::Result<f64> {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let devices = [Device::Cpu; 2];
    let mut pipeline = DataParallelPipeline::build(&devices, net, Likelihood::new())?;
    let step = validation_step(&mut pipeline, batch)?;
    Ok(step.summary()?.step.elapsed)
}

fn main() {}
