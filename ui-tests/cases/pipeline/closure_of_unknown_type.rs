use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::{Device, nn};

fn main() {
    let net = |path| nn::linear(path, 4, 3, Default::default());
    let _ = Pipeline::build(Device::Cpu, net, Classification::new());
}
