use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "info"]
    #[metric(samples)]
    size: bool,
}

fn main() {}
