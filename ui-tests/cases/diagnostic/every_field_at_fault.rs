// errors: 4
use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group("loss")]
    elbo: Tensor,
    #[group = "a/b"]
    kl: Tensor,
    nll: Tensor,
    #[diagnostic(skp)]
    cache: f64,
}

fn main() {}
