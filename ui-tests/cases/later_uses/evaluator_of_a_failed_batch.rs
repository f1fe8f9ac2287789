use booster::prelude::*;
use booster::tch::nn::{self, Module};
use booster::tch::{Device, Kind, Tensor};

#[derive(Batch)]
struct Images {
    #[batch(normalize)]
    input: Tensor,
    target: Tensor,
}

#[evaluator]
fn measuring<M: Module>(model: &M, batch: &Images, _: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    #[output]
    let logits: Tensor = model.forward(&batch.input) - &batch.target;
    Ok(logits.f_mean(Kind::Float)?)
}

fn evaluate(batch: &Images) -> booster::Result<Tensor> {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let mut pipeline = Pipeline::build(Device::Cpu, net, Measuring::new());
    let (_, diagnostics, output) = pipeline.evaluate(batch, Mode::Eval)?;
    println!("{}", diagnostics.summary()?.loss.logits);
    Ok(output.logits)
}

fn main() {}
