use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(skip, flatten)]
    auxiliary: (),
}

fn main() {}
