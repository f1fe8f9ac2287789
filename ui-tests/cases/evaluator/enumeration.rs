use booster::prelude::*;

#[evaluator]
enum Likelihood {
    Gaussian,
}

fn main() {}
