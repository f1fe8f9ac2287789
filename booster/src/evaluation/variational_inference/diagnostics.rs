//! Diagnostics and output of variational inference.

use booster_sys::scalar::ScalarOps as _;
use std::f64::consts::LN_2;

use tch::Tensor;

use super::latents::LayerDivergences;
use super::{FreeBits, effective_sample_size, importance_weighted_bound};
use crate::error::Result;
use crate::{Batch, Diagnostic};

/// The diagnostics of variational inference, in nats unless stated otherwise.
///
/// `elbo` is `-(nll + kl)` for each sample, regardless of `beta`, free bits and the number of importance samples.
#[derive(Debug, Diagnostic)]
pub struct VariationalInferenceDiagnostics<A: Diagnostic> {
    /// The evidence lower bound: `[batch]`.
    #[group = "loss"]
    pub elbo: Tensor,
    /// The negative log-likelihood of the data given the latents, averaged over importance samples: `[batch]`.
    #[group = "loss"]
    pub nll: Tensor,
    /// The KL divergence of the posterior from the prior, summed over layers, averaged over importance samples:
    /// `[batch]`.
    #[group = "loss"]
    pub kl: Tensor,
    /// The KL divergence of each stochastic layer, in sampling order: `[batch, layers]`.
    #[group = "loss"]
    #[metric(mean_dims)]
    pub kl_per_layer: Tensor,
    /// The importance-weighted bound: `[batch]`, or `None` with one importance sample.
    #[group = "loss"]
    pub iw_bound: Option<Tensor>,
    /// The effective number of importance samples: `[batch]`, or `None` with one importance sample.
    #[group = "metrics"]
    pub effective_sample_size: Option<Tensor>,
    /// The negated importance-weighted bound, or the negated `elbo` with one importance sample, in bits per observed
    /// value: `[batch]`. For continuous values, such as pixels divided by 255, the bound is on a density and depends
    /// on the scale of the data.
    #[group = "metrics"]
    pub bits_per_dimension: Tensor,
    /// The weight of the KL divergence.
    #[group = "parameters"]
    #[metric(last)]
    pub beta: f64,
    /// The free-bits budget of each stochastic layer, in nats.
    #[group = "parameters"]
    #[metric(last)]
    pub free_bits: f64,
    /// The number of importance samples.
    #[group = "parameters"]
    #[metric(last)]
    pub importance_samples: i64,
    /// The model's auxiliary losses.
    #[diagnostic(flatten)]
    pub auxiliary: A,
}

/// The output of variational inference.
#[derive(Batch, Debug)]
pub struct VariationalInferenceOutput<L: Batch> {
    /// The likelihood of each sample given its first draw of the latents.
    pub reconstruction: L,
    /// The draws of each stochastic layer: `[batch, importance_samples, *dims]`.
    pub latents: Vec<Tensor>,
}

/// The evaluator parameters to report.
pub(super) struct Parameters {
    pub(super) beta: f64,
    pub(super) free_bits: FreeBits,
    pub(super) importance_samples: i64,
}

/// Computes the diagnostics from log-likelihoods and log-ratios `[batch, importance_samples]`.
pub(super) fn measure<A: Diagnostic>(
    log_likelihood: &Tensor,
    log_ratio: Option<&Tensor>,
    kl: &LayerDivergences,
    observed: &Tensor,
    Parameters { beta, free_bits, importance_samples }: Parameters,
    auxiliary: A,
) -> Result<VariationalInferenceDiagnostics<A>> {
    let log_likelihood = log_likelihood.f_detach()?;
    let kl_per_layer = kl.per_layer()?.f_detach()?;
    let kl = kl.total()?.f_detach()?;
    let nll = log_likelihood.f_mean_dim(&[1i64][..], false, log_likelihood.f_kind()?)?.f_neg()?;
    let elbo = nll.f_add(&kl)?.f_neg()?;
    let (mut iw_bound, mut sample_size) = (None, None);
    if let Some(log_ratio) = log_ratio.filter(|_| importance_samples > 1) {
        let log_weights = log_likelihood.f_add(&log_ratio.f_detach()?)?;
        iw_bound = Some(importance_weighted_bound(&log_weights)?);
        sample_size = Some(effective_sample_size(&log_weights)?);
    }
    let bound = iw_bound.as_ref().unwrap_or(&elbo);
    let values = observed.numel() as f64 / observed.size().first().map_or(1.0, |&samples| samples.max(1) as f64);
    let bits_per_dimension = bound.try_mul_scalar(-1.0 / (LN_2 * values))?;
    Ok(VariationalInferenceDiagnostics {
        elbo,
        nll,
        kl,
        kl_per_layer,
        iw_bound,
        effective_sample_size: sample_size,
        bits_per_dimension,
        beta,
        free_bits: free_bits.nats,
        importance_samples,
        auxiliary,
    })
}
