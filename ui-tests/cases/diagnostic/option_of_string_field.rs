use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "info"]
    name: Option<String>,
}

fn main() {}
