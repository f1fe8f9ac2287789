use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "extra_loss"]
    kl: Tensor,
    #[group = "extraLoss"]
    nll: Tensor,
}

fn main() {}
