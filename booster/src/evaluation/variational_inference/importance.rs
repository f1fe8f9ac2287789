//! Statistics of importance weights.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use crate::error::{Error, Result};
use crate::functional::{BatchReduction, at_least_single, batch_reduce, log_mean_exp, shape_and_kind};

/// Computes the importance-weighted bound on the log-likelihood, `ln (1/K) sum_k w_k` (Burda et al., 2016,
/// arXiv 1509.00519): log-weights `[batch, importance_samples]` to `[batch]`, in nats.
///
/// With one sample, the bound is the log-weight itself, an estimate of the evidence lower bound. With more samples, its
/// expectation never decreases and approaches the log-likelihood.
///
/// # Errors
/// Returns [`Error::Mismatch`] if the tensor has no second dimension, or is not of a floating-point kind.
pub fn importance_weighted_bound(log_weights: &Tensor) -> Result<Tensor> {
    log_mean_exp(&checked("importance_weighted_bound", log_weights)?, 1)
}

/// Computes the effective sample size of the importance samples, `(sum_k w_k)^2 / sum_k w_k^2` (Kong, 1992):
/// log-weights `[batch, importance_samples]` to `[batch]`, from 1 (one sample has all the weight) to `K` (equal
/// weights).
///
/// Weights are scaled by the largest one, so log-weights may have any magnitude, including minus infinity. The result
/// has no graph and at least single precision.
///
/// # Errors
/// Returns [`Error::Mismatch`] if the tensor has no second dimension, or is not of a floating-point kind.
pub fn effective_sample_size(log_weights: &Tensor) -> Result<Tensor> {
    let log_weights = checked("effective_sample_size", log_weights)?.f_detach()?;
    let greatest = log_weights.f_amax([1], true)?;
    // An infinite maximum minus itself is NaN.
    let ties = log_weights.f_eq_tensor(&greatest)?;
    let weights = log_weights.f_sub(&greatest)?.try_masked_fill(&ties, 0.0)?.f_exp()?;
    let sum = batch_reduce(&weights, BatchReduction::Sum)?;
    Ok(sum.f_square()?.f_div(&batch_reduce(&weights.f_square()?, BatchReduction::Sum)?)?)
}

/// Checks the log-weights and converts them to at least single precision, since half precision would make many equal.
fn checked(operation: &'static str, log_weights: &Tensor) -> Result<Tensor> {
    let (size, kind) = shape_and_kind(operation, log_weights)?;
    if size.len() < 2 || size[1] == 0 || !log_weights.is_floating_point() {
        return Err(Error::operand(
            operation,
            "floating-point log-weights [batch, importance_samples]",
            format!("shape {size:?} of kind {kind:?}"),
        ));
    }
    at_least_single(log_weights)
}
