//! Evaluators that return their diagnostics and output.

use ::booster::tch::{TchError, Tensor};

/// Diagnostics.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Measured<A> {
    /// A value.
    #[group = "loss"]
    pub nll: Tensor,
    /// Another's.
    #[diagnostic(flatten)]
    pub auxiliary: A,
}

/// All types are the user's own.
#[::booster::evaluator]
pub fn returning(
    _: &(),
    batch: &Tensor,
    _: ::booster::Mode,
) -> ::booster::Result<(::booster::Loss, Measured<()>, ::std::vec::Vec<Tensor>)> {
    let measured = Measured { nll: batch.shallow_clone(), auxiliary: () };
    let loss = ::booster::Loss::weighted(batch.shallow_clone(), batch.shallow_clone());
    ::core::result::Result::Ok((loss, measured, ::std::vec::Vec::new()))
}

/// Another crate's error.
#[::booster::evaluator]
pub fn failing(_: &(), batch: &Tensor, _: ::booster::Mode) -> ::core::result::Result<(Tensor, (), ()), TchError> {
    ::core::result::Result::Ok((batch.f_square()?, (), ()))
}

/// Another crate's error in the first form.
#[::booster::evaluator]
pub fn failing_first(_: &(), batch: &Tensor, _: ::booster::Mode) -> ::core::result::Result<::booster::Loss, TchError> {
    /// A value.
    #[group = "loss"]
    let value: Tensor = batch.f_square()?;
    ::core::result::Result::Ok(::booster::Loss::weighted(value.shallow_clone(), value))
}
