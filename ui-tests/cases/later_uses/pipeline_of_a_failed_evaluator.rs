use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, beta: f64) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    #[group = "loss"]
    let nll: Tensor = logits * beta;
    Ok(nll.f_mean(Kind::Float)?)
}

fn read(diagnostics: &LikelihoodDiagnostics, summary: &LikelihoodDiagnosticsSummary) -> (Tensor, f64) {
    (diagnostics.nll.shallow_clone(), summary.loss.nll)
}

fn train(batches: &[Labeled]) -> booster::Result<Tensor> {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let mut pipeline = Pipeline::build(Device::Cpu, net, Likelihood::new(0.1));
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
    let mut mean = Aggregator::new();
    for batch in batches {
        mean.update(&training_step(&mut pipeline, batch, &mut optimizer)?)?;
    }
    let summary = mean.summary()?;
    println!("{summary} {}", summary.loss.nll);
    pipeline.evaluator_mut().beta = 0.5;
    let (loss, diagnostics, output) = pipeline.evaluate(&batches[0], Mode::Eval)?;
    Ok(loss.shallow_clone() + diagnostics.nll + output.logits)
}

fn main() {}
