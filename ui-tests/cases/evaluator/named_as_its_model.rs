use booster::prelude::*;
use booster::tch::{Kind, Tensor};

struct Vae(Tensor);

#[evaluator]
fn vae(model: &Vae, batch: &Labeled, _: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = &model.0 * &batch.input * beta;
    Ok(nll.f_mean(Kind::Float)?)
}

fn main() {}
