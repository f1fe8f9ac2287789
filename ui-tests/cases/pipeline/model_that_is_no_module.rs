use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::{Device, nn};

fn main() {
    let net = |_: &nn::Path<'_>| 3.0;
    let pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
}
