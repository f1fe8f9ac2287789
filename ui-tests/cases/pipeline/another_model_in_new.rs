use booster::prelude::*;
use booster::tch::{Device, Tensor, nn};

struct Vae;

#[evaluator]
fn elbo(_: &Vae, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
    Ok(batch.input.shallow_clone())
}

fn main() {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let store = nn::VarStore::new(Device::Cpu);
    let linear = net(&store.root());
    let pipeline = Pipeline::new(store, linear, Elbo::new());
}
