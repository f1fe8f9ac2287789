use booster::prelude::*;
use booster::tch::Tensor;
use std::sync::Arc;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    kl: Option<Arc<Tensor>>,
}

fn main() {}
