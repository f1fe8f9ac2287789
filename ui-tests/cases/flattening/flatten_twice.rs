use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten, flatten)]
    auxiliary: (),
}

fn main() {}
