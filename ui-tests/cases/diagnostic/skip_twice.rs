use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(skip, skip)]
    cache: f64,
}

fn main() {}
