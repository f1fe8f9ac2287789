use booster::prelude::*;
use booster::tch::Tensor;
use std::rc::Rc;

#[derive(Batch)]
struct Labeled(Tensor, Vec<Rc<Tensor>>);

fn main() {}
