use booster::prelude::*;
use booster::tch::nn::{self, Module, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};

#[derive(Diagnostic)]
struct Measured<A> {
    #[group = "loss"]
    nll: Tensor,
    accuracy: Tensor,
    #[diagnostic(flatten)]
    auxiliary: A,
}

#[evaluator]
fn measuring<M: Module>(
    model: &M,
    batch: &Labeled,
    _: Mode,
    #[param] scale: f64,
) -> booster::Result<(Loss, Measured<()>, Tensor)> {
    let logits = model.forward(&batch.input) * scale;
    let measured = Measured { nll: logits.shallow_clone(), accuracy: logits.shallow_clone(), auxiliary: () };
    Ok((logits.f_mean(Kind::Float)?.into(), measured, logits))
}

fn train(batches: &[Labeled]) -> booster::Result<f64> {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Measuring::new(0.5))?;
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
    let mut mean = Aggregator::new();
    for batch in batches {
        mean.update(&training_step(&mut pipeline, batch, &mut optimizer)?)?;
    }
    let summary = mean.summary()?;
    if summary.metrics.accuracy > 0.99 && summary.loss.nll < 0.1 {
        println!("{summary}");
    }
    Ok(summary.get("loss", "nll").unwrap_or(summary.step.elapsed))
}

fn main() {}
