use booster::prelude::*;
use booster::tch::{Device, Tensor, nn};

struct Cached(std::rc::Rc<f64>);

#[evaluator]
fn scaled<M: AsRef<f64>>(model: &M, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
    Ok(batch.input.shallow_clone() * *model.as_ref())
}

impl AsRef<f64> for Cached {
    fn as_ref(&self) -> &f64 {
        &self.0
    }
}

fn main() {
    let net = |_: &nn::Path<'_>| Cached(std::rc::Rc::new(0.5));
    let pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Scaled::new());
}
