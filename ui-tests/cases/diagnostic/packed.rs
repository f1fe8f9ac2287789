use booster::prelude::*;

#[derive(Diagnostic)]
#[repr(packed(2))]
struct Losses {
    #[group = "loss"]
    nll: f64,
}

fn main() {}
