use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::{Device, nn};

fn variables<P: EvaluationPipeline>(pipeline: &P) -> usize {
    pipeline.var_store().len()
}

fn main() {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new());
    println!("{}", variables(&pipeline));
}
