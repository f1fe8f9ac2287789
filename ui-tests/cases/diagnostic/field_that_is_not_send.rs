use booster::prelude::*;
use booster::tch::Tensor;

#[derive(Diagnostic)]
struct Vae {
    #[group = "loss"]
    kl: Tensor,
    #[diagnostic(skip)]
    cache: std::rc::Rc<f64>,
}

fn main() {}
