// errors: 2
#![allow(unused_imports)]
use booster::prelude::*;
use booster::tch::nn::{Linear, Module};
use booster::tch::{Kind, Tensor};

struct Net;

impl Net {
    #[evaluator]
    fn likelihood(model: &Linear, batch: &Labeled, _: Mode) -> booster::Result<Tensor> {
        #[group = "loss"]
        let nll: Tensor = model.forward(&batch.input);
        Ok(nll.f_mean(Kind::Float)?)
    }
}

fn main() {}
