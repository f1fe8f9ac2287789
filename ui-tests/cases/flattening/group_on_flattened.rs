use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    #[diagnostic(flatten)]
    auxiliary: (),
}

fn main() {}
