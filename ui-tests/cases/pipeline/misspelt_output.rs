use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::{Device, nn};

fn evaluate(batch: &Labeled) {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
    let Ok((_, _, output)) = pipeline.evaluate(batch, Mode::Eval) else { return };
    drop(output.logit);
}

fn main() {}
