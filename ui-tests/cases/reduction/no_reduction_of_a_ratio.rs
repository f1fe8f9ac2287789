use booster::prelude::*;

struct Geometric;

#[derive(Diagnostic)]
struct Measured {
    #[group = "metrics"]
    #[metric(reduce = Geometric)]
    accuracy: Ratio,
}

fn main() {}
