use booster::diagnostic::Leaf;
use booster::prelude::*;

#[derive(Diagnostic)]
struct Losses {
    #[group = "loss"]
    nll: Box<dyn Leaf>,
}

fn main() {}
