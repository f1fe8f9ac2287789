use booster::Diagnostic;
use booster::tch::Tensor;

#[derive(Diagnostic)]
pub struct Vae {
    #[group = "loss"]
    pub kl: Tensor,
    #[group = "loss"]
    pub nll
}

pub fn report(summary: &VaeSummary) -> f64 {
    summary.loss.kl
}

fn main() {}
