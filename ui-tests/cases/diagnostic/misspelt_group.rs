use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
}

fn read(summary: &VaeSummary) -> f64 {
    summary.los.kl
}

fn main() {}
