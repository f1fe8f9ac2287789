//! Distributions made of what a network gives.

use tch::Tensor;

use super::Distribution;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::functional::shape_and_kind;

/// A distribution of the observed whose parameters are the output of a decoder.
///
/// Implement it for a distribution of your own, to use it with models that are generic over their likelihood.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made of what a decoder gives",
    label = "not a likelihood",
    note = "`Normal`, `Laplace` and `Bernoulli` can",
    note = "for a distribution of your own, implement `booster::distributions::Likelihood`"
)]
pub trait Likelihood: Distribution + Batch {
    /// How many numbers the decoder gives for each observed value.
    const PARAMETERS: i64;

    /// The distribution of `[batch, channels, *dims]`, whose parameters are `[batch, PARAMETERS * channels, *dims]`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where dimension 1 does not hold as many.
    fn from_parameters(parameters: &Tensor) -> Result<Self>;
}

/// Cuts dimension 1 into so many parts.
pub(super) fn split<const N: usize>(operation: &'static str, parameters: &Tensor) -> Result<[Tensor; N]> {
    let (size, _) = shape_and_kind(operation, parameters)?;
    let length = size.get(1).copied().unwrap_or_default();
    let unlike = || {
        Error::operand(
            operation,
            format!("parameters [batch, {N} * channels, *dims]"),
            format!("parameters of shape {size:?}"),
        )
    };
    if length == 0 || length % N as i64 != 0 {
        return Err(unlike());
    }
    parameters.f_chunk(N as i64, 1)?.try_into().map_err(|_| unlike())
}
