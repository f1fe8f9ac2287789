use booster::prelude::*;

#[derive(Diagnostic)]
union Vae {
    kl: f64,
}

fn main() {}
