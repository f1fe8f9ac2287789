use booster::prelude::*;

#[evaluator]
struct Likelihood;

fn main() {}
