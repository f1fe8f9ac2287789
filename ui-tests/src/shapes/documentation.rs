//! Documentation in all its forms, which generated items take over or have their own.

/// One line.
///
/// # A heading
///
/// ```text
/// a block
/// ```
#[doc = "An attribute."]
#[doc(alias = "documented")]
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Documented {
    /** A block. */
    #[group = "loss"]
    #[metric(mean, std)]
    pub block: f64,
    #[doc = "An attribute with `code`, \"quotes\" and [a link](Documented)."]
    #[group = "loss"]
    pub attribute: f64,
    #[doc = concat!("A ", "macro.")]
    #[group = "loss"]
    pub mac: f64,
}

/** An evaluator under a block. */
#[doc = concat!("And a ", "macro.")]
#[::booster::evaluator]
pub fn explained(
    _: &(),
    batch: &::booster::tch::Tensor,
    _: ::booster::Mode,
    #[param] undocumented: f64,
    /** A block. */
    #[param(default = 3)]
    block: i64,
) -> ::booster::Result<::booster::tch::Tensor> {
    #[group = "loss"]
    #[output]
    let undocumented: ::booster::tch::Tensor = batch.f_mul_scalar(undocumented)?;
    /** A block. */
    #[group = "loss"]
    let block: i64 = block;
    let _ = block;
    ::core::result::Result::Ok(undocumented)
}
