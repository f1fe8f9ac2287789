use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[metric(mean, p105)]
    kl: Tensor,
}

fn read(vae: &Vae) -> booster::Result<f64> {
    let summary = vae.summary()?;
    Ok(summary.loss.kl + summary.loss.kl_p105)
}

fn main() {}
