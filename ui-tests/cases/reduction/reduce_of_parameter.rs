use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae<R> {
    #[group = "loss"]
    #[metric(mean, reduce = Geometric<R>)]
    kl: Tensor,
    #[diagnostic(flatten)]
    auxiliary: R,
}

fn main() {}
