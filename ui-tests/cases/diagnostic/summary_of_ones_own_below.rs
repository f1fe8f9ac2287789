// errors: 3
use booster::Diagnostic;
use booster::tch::Tensor;

#[derive(Diagnostic)]
pub struct Vae {
    #[group = "loss"]
    pub kl: Tensor,
}

/// What is said of a run.
pub struct VaeSummary {
    pub best: f64,
}

pub fn report(summary: &VaeSummary) -> f64 {
    summary.best
}

fn main() {}
