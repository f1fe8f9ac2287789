use booster::prelude::*;
use booster::tch::Tensor;

struct Geometric;

#[derive(Diagnostic)]
struct Inner {
    #[group = "info"]
    beta: f64,
}

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, reduce = Geometric)]
    kl: Tensor,
    #[diagnostic(flatten)]
    inner: Inner,
}

fn main() {}
