//! Sums and means in log space.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use super::{at_least_single, shape_and_kind};
use crate::error::{Error, Result};

/// Computes the logarithm of the sum of exponentials over a dimension, which is removed.
///
/// The maximum is subtracted first to avoid overflow and underflow. If the result is infinite (all entries are minus
/// infinity, or one is plus infinity), its gradient is 0, unlike that of libtorch's `logsumexp`, which is NaN. Half
/// precision is summed in single precision, and the kind is kept.
///
/// ```
/// use booster::functional::log_sum_exp;
/// use booster::tch::Tensor;
///
/// # fn main() -> booster::Result<()> {
/// let log_weights = Tensor::from_slice(&[1000.0f64, 1000.0]);
/// assert_eq!(log_sum_exp(&log_weights, 0)?, Tensor::from(1000.0 + 2.0f64.ln()));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Returns [`Error::Mismatch`] if the tensor is not of a floating-point kind, or if the dimension is out of range or of
/// length 0.
pub fn log_sum_exp(tensor: &Tensor, dim: i64) -> Result<Tensor> {
    length("log_sum_exp", tensor, dim)?;
    let given = tensor.f_kind()?;
    let tensor = at_least_single(tensor)?;
    let greatest = tensor.f_detach()?.f_amax([dim], true)?;
    let finite = greatest.f_isfinite()?;
    let shift = greatest.try_masked_fill(&finite.f_logical_not()?, 0.0)?;
    // Rows without a finite maximum must reach neither the value nor the gradient.
    let shifted = tensor.f_where_self(&finite, &shift)?.f_sub(&shift)?;
    let sum = shifted.f_exp()?.f_sum_dim_intlist(&[dim][..], true, tensor.f_kind()?)?.f_log()?.f_add(&shift)?;
    Ok(sum.f_where_self(&finite, &greatest)?.f_squeeze_dim(dim)?.f_to_kind(given)?)
}

/// Computes the logarithm of the mean of exponentials over a dimension, which is removed.
///
/// This is [`log_sum_exp`] minus the logarithm of the dimension's length.
///
/// # Errors
/// Same as [`log_sum_exp`].
pub fn log_mean_exp(tensor: &Tensor, dim: i64) -> Result<Tensor> {
    let length = length("log_mean_exp", tensor, dim)?;
    let sum = log_sum_exp(&at_least_single(tensor)?, dim)?;
    Ok(sum.try_sub_scalar((length as f64).ln())?.f_to_kind(tensor.f_kind()?)?)
}

/// Returns the length of the dimension to reduce.
fn length(operation: &'static str, tensor: &Tensor, dim: i64) -> Result<i64> {
    let (size, kind) = shape_and_kind(operation, tensor)?;
    let rank = size.len() as i64;
    let index = usize::try_from(if dim < 0 { dim + rank } else { dim }).ok();
    let length = index.and_then(|index| size.get(index)).copied().filter(|&length| length > 0);
    length.filter(|_| tensor.is_floating_point()).ok_or_else(|| {
        Error::operand(
            operation,
            format!("a floating-point tensor with entries along dimension {dim}"),
            format!("shape {size:?} of kind {kind:?}"),
        )
    })
}
