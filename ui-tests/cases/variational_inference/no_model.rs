// errors: 2
use booster::evaluation::VariationalInference;
use booster::prelude::*;
use booster::tch::Device;

struct Vae;

fn main() {
    let _ = Pipeline::build(Device::Cpu, |_| Vae, VariationalInference::new());
}
