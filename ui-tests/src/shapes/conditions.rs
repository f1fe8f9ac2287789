//! `#[cfg]` on structs, fields, functions and statements.

use ::booster::tch::Kind;

/// Fields under conditions.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Conditional {
    /// Always there.
    #[cfg(not(target_os = "none"))]
    #[group = "loss"]
    pub always: f64,
    /// Never there.
    #[cfg(target_os = "none")]
    #[group = "nowhere"]
    pub never: Missing,
    /// Measured under a condition that holds.
    #[cfg_attr(not(target_os = "none"), group = "info", metric(last))]
    pub attributes: f64,
}

/// A batch under conditions.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct ConditionalBatch {
    /// Always there.
    pub always: ::booster::tch::Tensor,
    /// Never there.
    #[cfg(target_os = "none")]
    pub never: Missing,
}

/// Statements under conditions.
#[::booster::evaluator]
#[cfg(not(target_os = "none"))]
pub fn under_conditions(
    _: &(),
    batch: &ConditionalBatch,
    _: ::booster::Mode,
) -> ::booster::Result<::booster::tch::Tensor> {
    /// Always there.
    #[cfg(not(target_os = "none"))]
    #[group = "loss"]
    #[output]
    let value: ::booster::tch::Tensor = batch.always.f_square()?;
    #[cfg(target_os = "none")]
    #[group = "loss"]
    let value: Missing = batch.never;
    #[cfg(target_os = "none")]
    drop(value);
    ::core::result::Result::Ok(value.f_mean(Kind::Float)?)
}

/// Marks and values under conditions.
#[::booster::evaluator]
pub fn marked_under_conditions(
    _: &(),
    batch: &ConditionalBatch,
    _: ::booster::Mode,
) -> ::booster::Result<::booster::tch::Tensor> {
    /// Measured and given back.
    #[cfg_attr(not(target_os = "none"), group = "loss", output, allow(unused_variables))]
    #[cfg_attr(target_os = "none", metric(nothing))]
    let squares: ::booster::tch::Tensor = batch.always.f_square()?;
    /// Of one group or the other.
    #[cfg_attr(not(target_os = "none"), group = "info", cfg_attr(not(target_os = "none"), metric(max)))]
    #[cfg_attr(target_os = "none", group = "nowhere")]
    let count: i64 = 1;
    /// Not measured here.
    #[cfg_attr(target_os = "none", group = "nowhere")]
    let unmeasured: ::core::option::Option<::std::string::String> = ::core::option::Option::None;
    let _ = (count, unmeasured);
    #[cfg(target_os = "none")]
    {
        missing(squares)
    }
    #[cfg(not(target_os = "none"))]
    {
        ::core::result::Result::Ok(squares.f_mean(Kind::Float)?)
    }
}

/// Reads what is there.
#[must_use]
pub fn marked(summary: &MarkedUnderConditionsDiagnosticsSummary, output: &MarkedUnderConditionsOutput) -> f64 {
    summary.loss.squares + summary.info.count + output.squares.double_value(&[])
}

/// Never there.
#[cfg(target_os = "none")]
#[::booster::evaluator]
pub fn missing(_: &Missing) -> Missing {}

/// Reads them.
#[must_use]
pub fn sum(summary: &ConditionalSummary) -> f64 {
    summary.loss.always + summary.info.attributes
}
