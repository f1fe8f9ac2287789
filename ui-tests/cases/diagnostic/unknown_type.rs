use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    kl: Tenser,
}

fn main() {}
