use booster::prelude::*;
use booster::tch::nn::{self, Module};
use booster::tch::{Device, Kind, Tensor};

struct Vae {
    decoder: nn::Linear,
}

#[evaluator]
fn vae(model: &Vae, batch: &Labeled, _: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = model.decoder.forward(&batch.input) * beta;
    Ok(nll.f_mean(Kind::Float)?)
}

fn main() {
    let net = |path: &nn::Path<'_>| Vae { decoder: nn::linear(path, 4, 3, Default::default()) };
    let _ = Pipeline::build(Device::Cpu, net, Vae::new(0.5));
}
