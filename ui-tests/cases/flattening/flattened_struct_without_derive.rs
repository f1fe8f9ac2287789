use booster::prelude::*;

struct Auxiliary {
    beta: f64,
}

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten)]
    auxiliary: Auxiliary,
}

fn main() {}
