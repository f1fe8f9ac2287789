use booster::prelude::*;
use booster::tch::Tensor;
use std::rc::Rc;

#[derive(Batch)]
struct Labelled(Tensor, Vec<Rc<Tensor>>);

fn main() {}
