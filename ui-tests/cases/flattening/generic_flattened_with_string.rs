use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae<A> {
    #[diagnostic(flatten)]
    auxiliary: A,
}

fn mean(steps: &[Vae<String>]) -> booster::Result<()> {
    let mut mean = Aggregator::new();
    mean.update(&steps[0])
}

fn main() {}
