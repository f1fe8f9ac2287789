use booster::prelude::*;

struct Parts {
    kl: f64,
}

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    parts: Parts,
}

fn main() {}
