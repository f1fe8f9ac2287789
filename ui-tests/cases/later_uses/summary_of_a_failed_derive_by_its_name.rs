use booster::Diagnostic;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[diagnostic(summary = Report)]
pub struct Vae {
    #[group = "loss"]
    pub kl: Tensor,
    pub nll: Tensor,
}

pub fn loss(report: &Report) -> f64 {
    report.loss.kl + report.loss.nll
}

fn main() {}
