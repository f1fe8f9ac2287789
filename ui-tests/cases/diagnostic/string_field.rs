use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "info"]
    name: String,
}

fn main() {}
