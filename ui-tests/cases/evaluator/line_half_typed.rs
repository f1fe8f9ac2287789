// errors: 2
use booster::prelude::*;
use booster::tch::Tensor;

// One is the parser's own, of any function; the other says that the evaluator could not be made.
#[evaluator]
fn likelihood(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = batch.f_square()?;
    let mean = nll.;
    #[output]
    let root: Tensor = batch.f_sqrt()?;
    Ok(root)
}

fn read(output: &LikelihoodOutput, summary: &LikelihoodDiagnosticsSummary) -> f64 {
    summary.loss.nll
}

fn main() {
    let _ = Likelihood::new();
}
