use booster::Diagnostic;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[diagnostic(summary = Report, summary = Other)]
pub struct Vae {
    #[group = "loss"]
    pub kl: Tensor,
}

fn main() {}
