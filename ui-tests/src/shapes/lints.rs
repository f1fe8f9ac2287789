//! Lints that the user allows, expects or runs into.

#![allow(clippy::struct_field_names)]

/// A name of one's own style.
#[allow(non_snake_case, non_camel_case_types)]
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct own_style {
    /// A value.
    #[group = "Loss"]
    #[metric(mean, max)]
    pub KL: f64,
}

/// Deprecated fields.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Ageing {
    /// An old value.
    #[deprecated]
    #[group = "loss"]
    pub old: f64,
    /// A new one.
    #[group = "loss"]
    pub new: f64,
}

/// More parameters than clippy likes.
#[::booster::evaluator]
pub fn many(
    _: &(),
    batch: &::booster::tch::Tensor,
    _: ::booster::Mode,
    #[param] one: f64,
    #[param] two: f64,
    #[param] three: f64,
    #[param] four: f64,
    #[param] five: f64,
    #[param] six: f64,
    #[param] seven: f64,
    #[param] eight: f64,
) -> ::booster::Result<::booster::tch::Tensor> {
    ::core::result::Result::Ok(batch.f_mul_scalar(one + two + three + four + five + six + seven + eight)?)
}

/// A deprecated evaluator.
#[::booster::evaluator]
#[deprecated(note = "use `many`")]
pub fn outdated<M>(
    _: &M,
    batch: &::booster::tch::Tensor,
    _: ::booster::Mode,
    /// A parameter.
    #[param(default = 1.0)]
    factor: f64,
) -> ::booster::Result<::booster::tch::Tensor> {
    /// A value.
    #[group = "loss"]
    #[output]
    let nll: ::booster::tch::Tensor = batch.f_square()?;
    ::core::result::Result::Ok(nll.f_mean(::booster::tch::Kind::Float)? * factor)
}

/// What acts.
pub trait Policy: ::core::marker::Send {
    /// Acts.
    fn act(&self, input: &::booster::tch::Tensor) -> ::booster::tch::Tensor;
}

/// References to what clippy would take apart.
#[::booster::evaluator]
pub fn boxed(
    model: &::std::boxed::Box<dyn Policy>,
    batch: &::booster::tch::Tensor,
    _: ::booster::Mode,
    /// A parameter.
    #[param]
    scale: &::core::option::Option<f64>,
) -> ::booster::Result<::booster::tch::Tensor> {
    ::core::result::Result::Ok(model.act(batch) * scale.unwrap_or(1.0))
}
