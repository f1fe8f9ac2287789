use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    elbo: Tensor,
    kl: Tensor,
}

fn read(summary: &VaeSummary) -> f64 {
    summary.loss.elbo + summary.loss.kl + summary.info.kl
}

fn print(vae: &Vae, tensorboard: &mut TensorBoard) -> booster::Result<()> {
    let summary = vae.summary()?;
    println!("{summary}");
    summary.log(tensorboard, 0)?;
    let loss: VaeSummaryLoss = summary.loss.clone();
    let kl: f64 = loss.kl;
    assert!(summary.get("loss", "elbo") > Some(kl));
    Ok(())
}

fn main() {}
