use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, std)]
    kl: Tensor,
}

fn read(summary: &VaeSummary) -> f64 {
    summary.loss.kl_p95
}

fn main() {}
