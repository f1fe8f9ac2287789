use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "info"]
    #[metric(samples)]
    time: std::time::Duration,
}

fn main() {}
