//! Variational inference: latent variable models trained on a bound on their log-likelihood.

mod auxiliary;
mod diagnostics;
mod free_bits;
mod importance;
mod latents;
mod model;

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

pub use self::auxiliary::AuxiliaryLosses;
pub use self::diagnostics::{
    VariationalInferenceDiagnostics, VariationalInferenceDiagnosticsSummary,
    VariationalInferenceDiagnosticsSummaryLoss, VariationalInferenceDiagnosticsSummaryMetrics,
    VariationalInferenceDiagnosticsSummaryParameters, VariationalInferenceOutput,
};
pub use self::free_bits::{FreeBits, FreeBitsClamp, FreeBitsGroups};
pub use self::importance::{effective_sample_size, importance_weighted_bound};
pub use self::latents::Latents;
pub use self::model::{LatentVariableModel, Observed};
use super::{Loss, Mode};
use crate::diagnostic::Diagnostic;
use crate::distributions::Distribution;
use crate::error::{Error, Result};
use crate::evaluator;
use crate::functional::{BatchReduction, at_least_single, batch_reduce};

type DiagnosticsOf<M> = VariationalInferenceDiagnostics<<M as LatentVariableModel>::Auxiliary>;
type OutputOf<M> = VariationalInferenceOutput<<M as LatentVariableModel>::Likelihood>;

/// Variational inference with the evidence lower bound, or the importance-weighted bound.
///
/// The model draws its latent variables and returns the likelihood of the data: see [`LatentVariableModel`]. With one
/// importance sample the loss is the mean over the batch of `nll + beta * kl`, the negative evidence lower bound
/// (Kingma and Welling, 2013, arXiv 1312.6114; with `beta`, Higgins et al., 2017, "beta-VAE"). With `K` samples it is
/// the negative importance-weighted bound (Burda et al., 2016, arXiv 1509.00519),
/// `-ln (1/K) sum_k p(x | z_k) (p(z_k) / q(z_k | x))^beta`. Free bits and auxiliary losses are added to the loss.
///
/// Parameters are public fields that a schedule can change: `pipeline.evaluator_mut().beta = 0.5`.
///
/// Log-likelihoods, divergences and importance weights are summed and compared in at least single precision, whatever
/// the kind of the model.
///
/// The loss is the mean over samples, so the losses of shards and micro-batches average to that of their batch, with
/// one exception: [`FreeBitsClamp::BatchMean`] clamps the mean of each shard separately.
///
/// ```
/// use booster::distributions::Bernoulli;
/// use booster::evaluation::{FreeBits, VariationalInference};
/// use booster::models::{SimpleVae, SimpleVaeConfig};
/// use booster::prelude::*;
/// use booster::tch::{Device, Kind, Tensor, nn};
///
/// # fn main() -> booster::Result<()> {
/// let vae = |path: &nn::Path<'_>| SimpleVae::<Bernoulli>::new(path, &[1, 8, 8], &SimpleVaeConfig::default());
/// let evaluator = VariationalInference::new().with_free_bits(FreeBits::new(2.0));
/// let mut pipeline = Pipeline::build(Device::Cpu, vae, evaluator);
/// pipeline.evaluator_mut().beta = 0.5;
///
/// let images = Tensor::rand([16, 1, 8, 8], (Kind::Float, Device::Cpu)).bernoulli();
/// let (loss, diagnostics, output) = pipeline.evaluate(&images, Mode::Train)?;
/// loss.backward();
/// assert_eq!(diagnostics.elbo, -(diagnostics.nll + diagnostics.kl));
/// assert_eq!(output.reconstruction.logits().size(), [16, 1, 8, 8]);
///
/// pipeline.evaluator_mut().importance_samples = 50;
/// let summary = validation_step(&mut pipeline, &images)?.summary()?;
/// assert!(summary.metrics.effective_sample_size.is_some_and(|size| (1.0..=50.0).contains(&size)));
/// # Ok(())
/// # }
/// ```
#[evaluator]
pub fn variational_inference<M: LatentVariableModel>(
    model: &M,
    batch: &M::Batch,
    mode: Mode,
    /// The weight of the KL divergence from the prior.
    #[param(default = 1.0)]
    beta: f64,
    /// The free-bits budget.
    #[param(default = FreeBits::none())]
    free_bits: FreeBits,
    /// The number of latent draws per sample, at least 1; above 1, the loss is the importance-weighted bound.
    #[param(default = 1)]
    importance_samples: i64,
    /// Whether to drop the posterior's score, which is 0 on average, from the gradient to reduce its variance near the
    /// optimum (Roeder et al., 2017, arXiv 1703.09194). With several importance samples the gradient is then biased
    /// (Tucker et al., 2019, arXiv 1810.04152).
    #[param(default = false)]
    sticking_the_landing: bool,
    /// The weight of each auxiliary loss.
    #[param(default = Default::default())]
    auxiliary_weights: &<M::Auxiliary as AuxiliaryLosses>::Weights,
) -> Result<(Loss, DiagnosticsOf<M>, OutputOf<M>)> {
    // `M` is only known at monomorphization, so this checks for duplicate metric names.
    const { <DiagnosticsOf<M> as Diagnostic>::SCHEMA.check() };
    let observed = batch.observed();
    let mut latents = Latents::of(observed, importance_samples)?;
    latents.detach_posterior = sticking_the_landing;
    let (likelihood, auxiliary) = model.infer(batch, &mut latents, mode)?;
    let log_likelihood = log_likelihood(&likelihood, observed, &latents)?;
    let kl = latents.kl()?;

    let log_ratio = latents.log_ratio()?;
    let objective = match &log_ratio {
        Some(log_ratio) => importance_weighted_bound(&weighted(&log_likelihood, log_ratio, beta)?)?.f_neg()?,
        None => weighted(&log_likelihood.f_neg()?.f_squeeze_dim(1)?, &kl.total()?, beta)?,
    };
    let mut loss = objective.f_mean(objective.f_kind()?)?;
    if let Some(unused) = free_bits.unused(kl.layers())? {
        loss = weighted(&loss, &unused, beta)?;
    }
    if let Some(auxiliary) = auxiliary.weighted(auxiliary_weights)? {
        loss = loss.f_add(&auxiliary.f_mean(loss.f_kind()?)?)?;
    }

    let parameters = diagnostics::Parameters { beta, free_bits, importance_samples };
    let diagnostics = diagnostics::measure(&log_likelihood, log_ratio.as_ref(), &kl, observed, parameters, auxiliary)?;
    let output = VariationalInferenceOutput {
        reconstruction: latents.first_of_each(likelihood)?,
        latents: latents.into_draws()?,
    };
    Ok((loss.into(), diagnostics, output))
}

/// Computes `value + weight * term`.
fn weighted(value: &Tensor, term: &Tensor, weight: f64) -> Result<Tensor> {
    Ok(value.f_add(&term.try_mul_scalar(weight)?)?)
}

/// Computes the log-probability of each sample given each draw, `[batch, importance_samples]`.
fn log_likelihood(likelihood: &impl Distribution, observed: &Tensor, latents: &Latents) -> Result<Tensor> {
    let repeated = latents.repeat(observed)?;
    let shape = [likelihood.batch_shape(), likelihood.event_shape()].concat();
    if shape != repeated.size() {
        return Err(Error::operand(
            "variational_inference",
            format!("a likelihood of values of shape {:?}, that of the data repeated for each draw", repeated.size()),
            format!("a likelihood of values of shape {shape:?}"),
        ));
    }
    latents.by_draw(&batch_reduce(&at_least_single(&likelihood.log_prob(&repeated)?)?, BatchReduction::Sum)?)
}
