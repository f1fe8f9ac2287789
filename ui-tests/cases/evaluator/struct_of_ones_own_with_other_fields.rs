// errors: 3
use booster::prelude::*;
use booster::tch::nn::{Linear, Module};
use booster::tch::{Kind, Tensor};

struct Vae {
    layers: usize,
}

#[evaluator]
fn vae(model: &Linear, batch: &Labeled, _: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
    Ok(model.forward(&batch.input).f_mean(Kind::Float)? * beta)
}

fn main() {
    let _ = Vae { layers: 2 };
}
