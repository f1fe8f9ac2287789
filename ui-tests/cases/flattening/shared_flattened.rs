use booster::prelude::*;
use std::rc::Rc;

#[derive(Diagnostic)]
struct Inner {
    #[group = "loss"]
    kl: f64,
}

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten)]
    inner: Rc<Inner>,
}

fn main() {}
