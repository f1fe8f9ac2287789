// errors: 3
use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    kl: Tensor,
    #[group = "a b"]
    nll: Tensor,
    #[group = "loss"]
    #[metric(maximum)]
    elbo: Tensor,
}

fn main() {}
