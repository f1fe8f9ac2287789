use booster::diagnostic::Leaf;
use booster::prelude::*;

#[derive(Diagnostic)]
struct Measured<L: Leaf + Send> {
    #[group = "metrics"]
    #[metric(std)]
    accuracy: L,
}

fn main() {
    let _ = <Measured<Ratio> as Diagnostic>::SCHEMA;
}
