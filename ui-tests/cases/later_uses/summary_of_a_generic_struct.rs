use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae<A: Diagnostic> {
    kl: Tensor,
    #[diagnostic(flatten)]
    auxiliary: A,
}

fn read(summary: &VaeSummary<()>) -> f64 {
    summary.loss.kl
}

fn mean<A: Diagnostic>(steps: &[Vae<A>]) -> booster::Result<VaeSummary<A>> {
    let mut aggregator = Aggregator::new();
    for step in steps {
        aggregator.update(step)?;
    }
    aggregator.summary()
}

fn main() {}
