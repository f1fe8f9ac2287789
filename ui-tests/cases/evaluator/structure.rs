use booster::prelude::*;
use booster::tch::nn::ModuleT;
use booster::tch::{Kind, Tensor};

#[evaluator]
struct Likelihood;

fn main() {}
