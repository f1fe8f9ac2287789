use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "a/b"]
    kl: Tensor,
}

fn mean(steps: &[Vae]) -> booster::Result<VaeSummary> {
    let mut aggregator = Aggregator::new();
    for step in steps {
        aggregator.update(step)?;
    }
    aggregator.summary()
}

fn read(steps: &[Vae]) -> booster::Result<f64> {
    Ok(mean(steps)?.a.b.kl)
}

fn main() {}
