//! What importance weights come to.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use crate::error::Result;
use crate::functional::{BatchReduction, batch_reduce, log_mean_exp};

/// The importance-weighted bound on the log-likelihood, `ln (1/K) sum_k w_k` (Burda et al., 2016, arXiv 1509.00519):
/// log-weights `[batch, importance_samples]` to `[batch]`, in nats.
///
/// With one sample it is the log-weight itself, an estimate of the evidence lower bound; it does not fall, on average,
/// as samples are added, and nears the log-likelihood.
///
/// # Errors
/// [`Error::Operand`](crate::Error::Operand) for a tensor that has no second dimension, or of another kind than
/// floating point.
pub fn importance_weighted_bound(log_weights: &Tensor) -> Result<Tensor> {
    log_mean_exp(log_weights, 1)
}

/// How many equally weighted samples the importance samples are worth, `(sum_k w_k)^2 / sum_k w_k^2` (Kong, 1992):
/// log-weights `[batch, importance_samples]` to `[batch]`, from 1 (one has all weight) to `K` (all weigh alike).
///
/// Weights are taken relative to the greatest, so that none overflows and not all vanish: log-weights of any size, minus
/// infinity included, have an answer. Without a graph.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) for a tensor that has no second dimension.
pub fn effective_sample_size(log_weights: &Tensor) -> Result<Tensor> {
    let log_weights = log_weights.f_detach()?.f_to_kind(Kind::Double)?;
    let greatest = log_weights.f_amax([1], true)?;
    // Also where the greatest is infinite, whose difference from itself is none.
    let ties = log_weights.f_eq_tensor(&greatest)?;
    let weights = log_weights.f_sub(&greatest)?.try_masked_fill(&ties, 0.0)?.f_exp()?;
    let sum = batch_reduce(&weights, BatchReduction::Sum)?;
    Ok(sum.f_square()?.f_div(&batch_reduce(&weights.f_square()?, BatchReduction::Sum)?)?)
}
