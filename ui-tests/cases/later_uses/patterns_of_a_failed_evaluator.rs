use booster::prelude::*;
use booster::tch::nn::{Linear, Module};
use booster::tch::{Kind, Tensor};

#[evaluator]
fn likelihood(model: &Linear, batch: &Labeled, _: Mode, beta: f64) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = model.forward(&batch.input);
    #[group = "loss"]
    let nll: Tensor = logits * beta;
    Ok(nll.f_mean(Kind::Float)?)
}

struct Run {
    evaluator: Likelihood,
    mean: Aggregator<LikelihoodDiagnostics>,
    last: Option<LikelihoodDiagnosticsSummary>,
}

impl Run {
    fn nll(&self) -> Option<f64> {
        self.last.as_ref().map(|last| last.loss.nll * self.evaluator.beta)
    }
}

fn take(LikelihoodDiagnostics { nll, .. }: LikelihoodDiagnostics) -> (Likelihood, LikelihoodOutput) {
    (Likelihood { beta: 0.5 }, LikelihoodOutput { logits: nll })
}

fn main() {
    let best = Best::maximize(|summary: &LikelihoodDiagnosticsSummary| summary.loss.nll);
}
