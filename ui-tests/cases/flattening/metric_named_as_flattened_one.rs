use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Inner {
    #[group = "loss"]
    kl_std: Tensor,
}

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, std)]
    kl: Tensor,
    #[diagnostic(flatten)]
    inner: Inner,
}

fn main() {}
