use booster::prelude::*;

#[derive(Diagnostic)]
struct Vae;

fn main() {}
