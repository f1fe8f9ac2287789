use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    kl: f64,
    auxiliary: (),
}

fn main() {}
