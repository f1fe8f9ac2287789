//! Where clippy's lints are forbidden, an `allow` of one of them would be a warning.

#![deny(forbidden_lint_groups)]
#![forbid(clippy::all)]

use ::booster::tch::{Kind, Tensor};

/// Diagnostics.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Strict {
    /// A value.
    #[group = "Loss"]
    #[metric(mean, std, histogram, mean_dims)]
    pub nll: Tensor,
}

/// A batch.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Images(pub Tensor, pub ::std::vec::Vec<Tensor>);

/// An evaluator with all that one can have.
#[::booster::evaluator]
pub fn forbidding<M: ::booster::tch::nn::ModuleT>(
    model: &M,
    batch: &Images,
    mode: ::booster::Mode,
    /// A parameter.
    #[param]
    scale: f64,
    /// Another.
    #[param(default = ::core::option::Option::None)]
    shift: &::core::option::Option<f64>,
) -> ::booster::Result<Tensor> {
    /// The output.
    #[output]
    #[group = "loss"]
    #[metric(mean, max)]
    let logits: Tensor = model.forward_t(&batch.0, mode.is_train());
    ::core::result::Result::Ok(logits.f_mean(Kind::Float)? * (scale + shift.unwrap_or(0.0)))
}
