use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Inner {
    kl: Tensor,
}

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    elbo: Tensor,
    #[diagnostic(flatten)]
    inner: Inner,
}

fn read(summary: &VaeSummary) -> f64 {
    summary.loss.elbo + summary.inner.loss.kl
}

fn main() {}
