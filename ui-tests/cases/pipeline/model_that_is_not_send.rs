use booster::prelude::*;
use booster::tch::{Device, Tensor, nn};

struct Cached(std::rc::Rc<f64>);

trait Scale {
    fn scale(&self) -> f64;
}

impl Scale for Cached {
    fn scale(&self) -> f64 {
        *self.0
    }
}

#[evaluator]
fn scaled<M: Scale>(model: &M, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
    Ok(batch.input.shallow_clone() * model.scale())
}

fn main() {
    let net = |_: &nn::Path<'_>| Cached(std::rc::Rc::new(0.5));
    let pipeline = Pipeline::build(Device::Cpu, net, Scaled::new());
}
