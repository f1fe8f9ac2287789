//! Errors from the middle of a function, and returns that are none of it.

use ::booster::tch::{Kind, Tensor};

/// Leaves early in every way that there is.
#[::booster::evaluator]
pub fn hasty(_: &(), batch: &Tensor, mode: ::booster::Mode) -> ::booster::Result<Tensor> {
    if batch.dim() == 0 {
        return ::core::result::Result::Err(::booster::Error::custom("a batch without samples"));
    }
    /// A value.
    #[group = "loss"]
    let value: Tensor = batch.f_square()?;
    let sign = |positive: bool| {
        if positive {
            return 1.0;
        }
        -1.0
    };
    if mode.is_train() {
        #[allow(clippy::needless_return_with_question_mark, reason = "it is what is tested")]
        return ::core::result::Result::Err(::booster::Error::custom("only evaluated"))?;
    }
    /// A value behind them.
    #[group = "info"]
    let factor: f64 = sign(mode.is_train());
    let scaled = |value: &Tensor, factor: f64| -> ::booster::Result<Tensor> {
        ::core::result::Result::Ok(value.f_mul_scalar(factor)?)
    };
    scaled(&value, factor)?.f_mean(Kind::Float).map_err(::core::convert::Into::into)
}

/// Without marks, a function returns as it likes.
#[::booster::evaluator]
pub fn unmarked(_: &(), batch: &Tensor, mode: ::booster::Mode) -> ::booster::Result<Tensor> {
    if mode.is_train() {
        return ::core::result::Result::Ok(batch.f_square()?);
    }
    ::core::result::Result::Ok(batch.f_abs()?)
}
