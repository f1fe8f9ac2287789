//! Functions that take their model and batch apart.

use ::booster::evaluation::Labeled;
use ::booster::tch::{Kind, Tensor, nn::ModuleT};

/// A struct's fields.
#[::booster::evaluator]
pub fn outputs<M: ModuleT>(
    model: &M,
    Labeled { input, .. }: &Labeled,
    mode: ::booster::Mode,
    /// A factor.
    #[param]
    mut beta: f64,
    /// Names, never cloned.
    #[param(default = [::std::string::String::new()])]
    names: &[::std::string::String; 1],
) -> ::booster::Result<Tensor> {
    beta *= 2.0;
    /// What the model gave.
    #[output]
    #[group = "info"]
    let output: Tensor = model.forward_t(input, mode.is_train());
    let output = output * beta;
    if names.is_empty() {
        return ::core::result::Result::Err(::booster::Error::custom("no name"));
    }
    ::core::result::Result::Ok(output.f_mean(Kind::Float)?)
}

/// A tuple's parts, and nothing of the rest.
#[::booster::evaluator]
pub fn parts(
    (first, _): &(f64, f64),
    (input, target): &(Tensor, Tensor),
    _: ::booster::Mode,
) -> ::booster::Result<Tensor> {
    /// The error.
    #[group = "loss"]
    let error: Tensor = input.f_sub(target)?.f_mul_scalar(*first)?;
    ::core::result::Result::Ok(error.f_mean(Kind::Float)?)
}
