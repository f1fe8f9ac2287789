//! The draws of a model's latent variables.

use tch::Tensor;

use crate::batch::{Batch, FieldPath};
use crate::distributions::{Distribution, KlDivergence, Reparameterized};
use crate::error::{Error, Result};
use crate::functional::{BatchReduction, at_least_single, batch_reduce, shape_and_kind};

/// The latent variables of a [`LatentVariableModel`](super::LatentVariableModel), drawn layer by layer, with the terms
/// of the bound.
#[derive(Debug)]
pub struct Latents {
    batch_size: i64,
    importance_samples: i64,
    /// Whether `ln q(z)` is differentiated with respect to `z` only.
    pub(super) detach_posterior: bool,
    layers: Vec<Layer>,
}

/// A stochastic layer; each tensor has one row per importance sample of each sample.
#[derive(Debug)]
struct Layer {
    draw: Tensor,
    /// The KL divergence of the posterior from the prior, `[rows, dims]`, in at least single precision.
    kl: Tensor,
    /// `ln p(z) - ln q(z)`, `[rows]`, if the bound needs it.
    log_ratio: Option<Tensor>,
}

/// The KL divergence of each layer, averaged over importance samples.
#[derive(Debug)]
pub(super) struct LayerDivergences(Vec<Tensor>);

impl Latents {
    /// Creates latents without layers for a batch of `batch_size` samples, with `importance_samples` draws of each.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if either number is less than 1, or if their product overflows.
    pub fn new(batch_size: i64, importance_samples: i64) -> Result<Self> {
        if batch_size < 1 || importance_samples < 1 || batch_size.checked_mul(importance_samples).is_none() {
            return Err(Error::operand(
                "Latents",
                "at least 1 sample and 1 importance sample",
                format!("{batch_size} samples and {importance_samples} importance samples"),
            ));
        }
        Ok(Self { batch_size, importance_samples, detach_posterior: false, layers: Vec::new() })
    }

    pub(super) fn of(observed: &Tensor, importance_samples: i64) -> Result<Self> {
        let (size, _) = shape_and_kind("variational_inference", observed)?;
        Self::new(size.first().copied().unwrap_or_default(), importance_samples)
    }

    /// Returns the number of importance samples per sample.
    pub fn importance_samples(&self) -> i64 {
        self.importance_samples
    }

    /// Repeats each row for every importance sample: `[batch, *dims]` to `[batch * importance_samples, *dims]`.
    ///
    /// The rows of a sample stay together. Use this for tensors that a conditional model concatenates with a latent.
    ///
    /// # Errors
    /// Returns [`Error::Torch`] if the tensor has rank 0.
    pub fn repeat(&self, tensor: &Tensor) -> Result<Tensor> {
        if self.importance_samples == 1 {
            return Ok(tensor.shallow_clone());
        }
        Ok(tensor.f_repeat_interleave_self_int(self.importance_samples, 0, None)?)
    }

    /// Draws a stochastic layer from its posterior: `[batch * importance_samples, *dims]`, differentiable.
    ///
    /// The posterior has one row per sample or, if it depends on a previous layer, one per importance sample. The prior
    /// has the same number of rows, a single row, or no row dimension. The KL divergence is computed in closed form.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the number of rows differs, or if the prior does not broadcast to the posterior.
    pub fn sample<Q, P>(&mut self, posterior: &Q, prior: &P) -> Result<Tensor>
    where
        Q: Reparameterized + KlDivergence<P> + Batch,
        P: Distribution + Batch,
    {
        let (posterior, prior) = self.by_row(posterior, prior)?;
        let kl = posterior.kl_divergence(&prior)?;
        let draw = posterior.rsample(&[])?;
        let log_ratio = self.needs_log_ratio().then(|| self.log_ratio_of(&posterior, &prior, &draw)).transpose()?;
        self.keep(&posterior, draw, &kl, log_ratio)
    }

    /// Draws a stochastic layer from its posterior, and estimates the KL divergence from the draw as
    /// `ln q(z) - ln p(z)`.
    ///
    /// Use this for a posterior whose KL divergence from the prior has no closed form.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the number of rows differs, or if the prior does not broadcast to the posterior.
    pub fn sample_with_estimated_kl<Q, P>(&mut self, posterior: &Q, prior: &P) -> Result<Tensor>
    where
        Q: Reparameterized + Batch,
        P: Distribution + Batch,
    {
        let (posterior, prior) = self.by_row(posterior, prior)?;
        let draw = posterior.rsample(&[])?;
        let kl = at_least_single(&posterior.log_prob(&draw)?)?.f_sub(&at_least_single(&prior.log_prob(&draw)?)?)?;
        let log_ratio = self.needs_log_ratio().then(|| self.log_ratio_of(&posterior, &prior, &draw)).transpose()?;
        self.keep(&posterior, draw, &kl, log_ratio)
    }

    fn needs_log_ratio(&self) -> bool {
        self.importance_samples > 1 || self.detach_posterior
    }

    fn log_ratio_of<Q, P>(&self, posterior: &Q, prior: &P, draw: &Tensor) -> Result<Tensor>
    where
        Q: Distribution + Batch,
        P: Distribution,
    {
        let log_posterior = if self.detach_posterior {
            posterior.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.f_detach()?))?.log_prob(draw)?
        } else {
            posterior.log_prob(draw)?
        };
        let log_prior = at_least_single(&prior.log_prob(draw)?)?;
        batch_reduce(&log_prior.f_sub(&at_least_single(&log_posterior)?)?, BatchReduction::Sum)
    }

    fn keep(
        &mut self,
        posterior: &impl Distribution,
        draw: Tensor,
        kl: &Tensor,
        log_ratio: Option<Tensor>,
    ) -> Result<Tensor> {
        let shape = posterior.batch_shape();
        if shape_and_kind("Latents::sample", kl)?.0 != shape {
            return Err(self.unlike(format!("a posterior of batch shape {shape:?}"), "a prior that broadcasts to it"));
        }
        let given = draw.shallow_clone();
        let kl = at_least_single(kl)?.f_reshape([self.rows(), -1])?;
        self.layers.push(Layer { draw, kl, log_ratio });
        Ok(given)
    }

    /// Returns posterior and prior with one row per importance sample; a prior shared by all rows is unchanged.
    fn by_row<Q: Distribution + Batch, P: Distribution + Batch>(&self, posterior: &Q, prior: &P) -> Result<(Q, P)> {
        let shape = posterior.batch_shape();
        let posterior = match shape.first() {
            Some(&rows) if rows == self.rows() => posterior.share()?,
            Some(&rows) if rows == self.batch_size => self.repeat_rows(posterior)?,
            _ => {
                let expected = "a row for each sample or each importance sample";
                return Err(self.unlike(format!("a posterior of batch shape {shape:?}"), expected));
            }
        };
        let of_prior = prior.batch_shape();
        let for_each_sample = of_prior.len() == shape.len() && of_prior.first() == Some(&self.batch_size);
        let prior = if for_each_sample { self.repeat_rows(prior)? } else { prior.share()? };
        Ok((posterior, prior))
    }

    fn repeat_rows<D: Batch>(&self, distribution: &D) -> Result<D> {
        distribution.map_tensors(FieldPath::ROOT, &mut |_, tensor| self.repeat(tensor))
    }

    fn unlike(&self, found: String, expected: &str) -> Error {
        let Self { batch_size, importance_samples, layers, .. } = self;
        let expected = format!(
            "{expected} (layer {}, {batch_size} samples, {importance_samples} importance samples of each)",
            layers.len()
        );
        Error::operand("Latents::sample", expected, found)
    }

    fn rows(&self) -> i64 {
        self.batch_size * self.importance_samples
    }

    /// Reshapes `[rows]` to `[batch, importance_samples]`.
    pub(super) fn by_draw(&self, of_rows: &Tensor) -> Result<Tensor> {
        Ok(of_rows.f_reshape([self.batch_size, self.importance_samples])?)
    }

    /// Returns `ln p(z) - ln q(z)` summed over layers, `[batch, importance_samples]`, if the bound needs it.
    pub(super) fn log_ratio(&self) -> Result<Option<Tensor>> {
        let mut sum: Option<Tensor> = None;
        for log_ratio in self.layers.iter().filter_map(|layer| layer.log_ratio.as_ref()) {
            sum = Some(sum.map_or(Ok(log_ratio.shallow_clone()), |sum| sum.f_add(log_ratio))?);
        }
        sum.map(|sum| self.by_draw(&sum)).transpose()
    }

    /// Returns the KL divergence of each layer, averaged over importance samples.
    pub(super) fn kl(&self) -> Result<LayerDivergences> {
        if self.layers.is_empty() {
            return Err(Error::operand(
                "variational_inference",
                "a model that draws its latent variables from `latents`",
                "a model without draws",
            ));
        }
        let mean = |layer: &Layer| -> Result<Tensor> {
            let by_draw = layer.kl.f_view([self.batch_size, self.importance_samples, -1])?;
            Ok(if self.importance_samples == 1 {
                by_draw.f_squeeze_dim(1)?
            } else {
                by_draw.f_mean_dim(&[1i64][..], false, layer.kl.f_kind()?)?
            })
        };
        self.layers.iter().map(mean).collect::<Result<_>>().map(LayerDivergences)
    }

    /// Keeps the rows of each sample's first draw.
    pub(super) fn first_of_each<D: Batch>(&self, of_rows: D) -> Result<D> {
        if self.importance_samples == 1 {
            return Ok(of_rows);
        }
        of_rows.map_tensors(FieldPath::ROOT, &mut |_, tensor| {
            Ok(by_draw(tensor, self.batch_size, self.importance_samples)?.f_select(1, 0)?)
        })
    }

    /// Returns the draws of each layer, `[batch, importance_samples, *dims]`.
    pub(super) fn into_draws(self) -> Result<Vec<Tensor>> {
        let (batch_size, importance_samples) = (self.batch_size, self.importance_samples);
        self.layers.into_iter().map(|layer| by_draw(&layer.draw, batch_size, importance_samples)).collect()
    }
}

/// Reshapes `[batch * importance_samples, *dims]` to `[batch, importance_samples, *dims]`.
fn by_draw(rows: &Tensor, batch_size: i64, importance_samples: i64) -> Result<Tensor> {
    let (size, _) = shape_and_kind("Latents", rows)?;
    Ok(rows.f_reshape([&[batch_size, importance_samples], size.get(1..).unwrap_or_default()].concat())?)
}

impl LayerDivergences {
    /// Returns the KL divergence of each layer, `[batch, dims]`.
    pub(super) fn layers(&self) -> &[Tensor] {
        &self.0
    }

    /// Returns the sum over the dimensions of each layer, `[batch, layers]`.
    pub(super) fn per_layer(&self) -> Result<Tensor> {
        let sums = self.0.iter().map(|layer| batch_reduce(layer, BatchReduction::Sum)).collect::<Result<Vec<_>>>()?;
        Ok(Tensor::f_stack(&sums, 1)?)
    }

    /// Returns the sum over layers and dimensions, `[batch]`.
    pub(super) fn total(&self) -> Result<Tensor> {
        batch_reduce(&self.per_layer()?, BatchReduction::Sum)
    }
}
