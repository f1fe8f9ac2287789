use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "info"]
    #[metric(samples)]
    size: i64,
    #[group = "info"]
    #[metric(samples)]
    tokens: i64,
}

fn main() {}
