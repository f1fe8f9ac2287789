//! Distributions parameterized by a network's output.

use tch::Tensor;

use super::Distribution;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::functional::shape_and_kind;

/// A distribution parameterized by the output of a decoder.
///
/// Implement this trait to use your own distribution with models that are generic over their likelihood.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be parameterized by a decoder's output",
    label = "not a likelihood",
    note = "`Normal`, `Laplace` and `Bernoulli` can",
    note = "for a distribution of your own, implement `booster::distributions::Likelihood`"
)]
pub trait Likelihood: Distribution + Batch {
    /// The number of parameters per value.
    const PARAMETERS: i64;

    /// Creates a distribution over `[batch, channels, *dims]` from parameters `[batch, PARAMETERS * channels, *dims]`.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the length of dimension 1 is not a positive multiple of `PARAMETERS`.
    fn from_parameters(parameters: &Tensor) -> Result<Self>;
}

/// Splits dimension 1 into `N` equal parts.
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
