//! Marked values that are moved and hidden afterwards.

use ::booster::tch::{Kind, Tensor};

/// Keeps what each `let` had.
#[::booster::evaluator]
pub fn hidden(_: &(), batch: &Tensor, _: ::booster::Mode) -> ::booster::Result<Tensor> {
    /// Hidden by a second of its name.
    #[group = "loss"]
    let value: Tensor = batch.f_square()?;
    let value = ::core::option::Option::Some(value);
    let mut count: i64 = 3;
    count += 1;
    /// Changed before.
    #[group = "info"]
    let count: i64 = count;
    /// Moved away.
    #[output]
    let moved: Tensor = batch.f_abs()?;
    ::core::mem::drop(moved);
    /// Absent.
    #[group = "info"]
    let absent: ::core::option::Option<f64> =
        if count > 3 { ::core::option::Option::None } else { value.as_ref().map(|_| 0.5) };
    let _ = absent;
    match value {
        ::core::option::Option::Some(value) => ::core::result::Result::Ok(value.f_mean(Kind::Float)?),
        ::core::option::Option::None => ::core::result::Result::Err(::booster::Error::custom("none")),
    }
}
