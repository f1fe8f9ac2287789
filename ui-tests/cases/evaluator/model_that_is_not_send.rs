use booster::prelude::*;
use booster::tch::Tensor;

struct Net(std::rc::Rc<f64>);

#[evaluator]
fn likelihood(model: &Net, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
    Ok(batch.input.shallow_clone() * *model.0)
}

fn main() {}
