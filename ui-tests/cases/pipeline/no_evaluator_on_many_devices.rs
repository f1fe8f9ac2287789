use booster::prelude::*;
use booster::tch::{Device, nn};

struct Likelihood;

fn main() {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Likelihood);
}
