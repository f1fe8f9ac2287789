use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flaten)]
    auxiliary: (),
}

fn main() {}
