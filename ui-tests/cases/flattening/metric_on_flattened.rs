use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[metric(sum)]
    #[diagnostic(flatten)]
    auxiliary: (),
}

fn main() {}
