use booster::evaluation::AuxiliaryLosses;
use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Debug, Diagnostic)]
pub struct Penalties {
    #[group = "auxiliary"]
    pub size: Tensor,
}

fn minimize<A: AuxiliaryLosses>(losses: &A) {
    let _ = losses;
}

fn main() {
    minimize(&Penalties { size: Tensor::from(0.5) });
}
