use booster::prelude::*;

#[derive(Diagnostic)]
struct Inner {
    #[group = "loss"]
    kl: f64,
}

#[derive(Diagnostic)]
struct Outer {
    #[group = "loss"]
    kl: f64,
    #[diagnostic(flatten)]
    inner: Inner,
}

fn main() {}
