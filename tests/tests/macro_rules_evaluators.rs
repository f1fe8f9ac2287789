//! Evaluators written by `macro_rules!`: an expression argument stays a single expression.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};

macro_rules! scaled {
    ($name:ident, $model:ty, $value:expr, $function:expr) => {
        #[evaluator]
        fn $name(
            _: $model,
            batch: &Tensor,
            _: Mode,
            #[param(default = $value * 2.0)] by_default: f64,
        ) -> booster::Result<Tensor> {
            #[group = "loss"]
            let marked: f64 = $value * 2.0;
            let whole = $value;
            #[group = "loss"]
            let plain: f64 = $value * 2.0 - 0.0 * whole;
            #[group = "loss"]
            let in_a_macro: f64 = vec![$value * 2.0; 1][0];
            #[group = "loss"]
            let called: f64 = $function(3.0) * 2.0;
            #[group = "loss"]
            let lent: f64 = by_default;
            Ok((batch * ($value * 2.0)).f_mean(Kind::Float)?)
        }
    };
}

scaled!(scaled, &(), 1.0 + 2.0, |value: f64| value + 1.0);

#[test]
fn an_expression_passed_in_is_not_taken_apart() -> booster::Result<()> {
    let mut pipeline = Pipeline::build(Device::Cpu, |_: &nn::Path<'_>| (), Scaled::new());
    let batch = Tensor::ones([4], (Kind::Float, Device::Cpu));
    let (loss, diagnostics, ()) = pipeline.evaluate(&batch, Mode::Eval)?;
    let ScaledDiagnostics { marked, plain, in_a_macro, called, lent } = diagnostics;
    assert_eq!((marked, plain, in_a_macro, called, lent), (6.0, 6.0, 6.0, 8.0, 6.0));
    assert_eq!(loss.tensor().double_value(&[]), 6.0);
    Ok(())
}
