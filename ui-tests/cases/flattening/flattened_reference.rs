use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten)]
    auxiliary: &'static (),
}

fn main() {}
