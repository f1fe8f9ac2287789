use booster::Diagnostic;
use booster::tch::Tensor;

#[derive(Diagnostic)]
#[diagnostic(summary = "Vae")]
pub struct Vae {
    #[group = "loss"]
    pub kl: Tensor,
}

fn main() {}
