use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten)]
    auxiliary: String,
}

fn main() {}
