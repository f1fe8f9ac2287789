use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
}

fn read(summary: VaeSummary) -> String {
    summary.loss.kl
}

fn main() {}
