// errors: 3
use booster::Diagnostic;
use booster::tch::Tensor;

/// What is said of a run.
pub struct VaeSummary {
    pub best: f64,
}

#[derive(Diagnostic)]
pub struct Vae {
    #[group = "loss"]
    pub kl: Tensor,
}

pub fn report(summary: &VaeSummary) -> f64 {
    summary.best
}

fn main() {}
