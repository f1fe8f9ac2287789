use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(skip = true)]
    cache: f64,
}

fn main() {}
