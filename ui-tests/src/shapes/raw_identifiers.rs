//! Raw identifiers as field, group, struct, parameter and argument.

use ::booster::DiagnosticExt as _;

/// A struct whose name is a keyword.
#[allow(non_camel_case_types)]
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct r#struct {
    /// A field whose name is a keyword.
    #[group = "type"]
    #[metric(mean, std, p95)]
    pub r#loop: ::booster::tch::Tensor,
    /// A field that may be absent.
    #[group = "type"]
    pub maybe: ::core::option::Option<f64>,
}

/// A batch of raw names.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Raw {
    /// A field whose name is a keyword.
    pub r#type: ::booster::tch::Tensor,
}

/// An evaluator called by a keyword.
#[::booster::evaluator]
pub fn r#match(
    _: &(),
    r#ref: &Raw,
    _: ::booster::Mode,
    /// A parameter.
    #[param]
    r#dyn: f64,
) -> ::booster::Result<::booster::tch::Tensor> {
    /// A value.
    #[group = "fn"]
    #[output]
    let r#move: ::booster::tch::Tensor = r#ref.r#type.f_mul_scalar(r#dyn)?;
    ::core::result::Result::Ok(r#move.f_mean(::booster::tch::Kind::Float)?)
}

/// Reads what has these names.
///
/// # Errors
/// None: it is never run.
pub fn uses(of: &r#struct) -> ::booster::Result<f64> {
    let summary = of.summary()?;
    let _: ::core::option::Option<f64> = summary.r#type.maybe;
    let evaluator = Match::new(0.5);
    ::core::result::Result::Ok(summary.r#type.r#loop + summary.r#type.loop_p95 + evaluator.r#dyn)
}
