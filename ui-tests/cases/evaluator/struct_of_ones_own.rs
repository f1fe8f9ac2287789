// errors: 2
use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

struct Vae {
    layers: usize,
}

#[evaluator]
fn vae<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
    Ok(model.forward_t(&batch.input, mode.is_train()).f_mean(Kind::Float)? * beta)
}

fn main() {
    let _ = Vae { layers: 2 };
}
