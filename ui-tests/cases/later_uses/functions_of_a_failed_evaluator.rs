use booster::prelude::*;
use booster::tch::nn::{ModuleT, Optimizer};
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll = model.forward_t(&batch.input, mode.is_train()) * beta;
    Ok(nll.f_mean(Kind::Float)?)
}

struct Trainer<M: ModuleT + 'static> {
    pipeline: Pipeline<Likelihood<M>>,
    mean: Aggregator<LikelihoodDiagnostics>,
    optimizer: Optimizer,
}

impl<M: ModuleT + 'static> Trainer<M> {
    fn step(&mut self, batch: &Labeled) -> booster::Result<f64> {
        let step = training_step(&mut self.pipeline, batch, &mut self.optimizer)?;
        self.mean.update(&step.diagnostics)?;
        self.pipeline.evaluator_mut().beta *= 0.9;
        Ok(self.mean.summary()?.loss.nll)
    }
}

fn anneal<M: ModuleT>(likelihood: &Likelihood<M>) -> Likelihood<M> {
    Likelihood::new(likelihood.beta * 0.9).with_gamma(3)
}

fn both<P: EvaluationPipeline<Evaluator = Likelihood<M>>, M: ModuleT>(pipeline: &P) -> f64 {
    pipeline.evaluator().beta
}

fn main() {}
