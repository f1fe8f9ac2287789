//! Free bits.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use crate::error::Result;

/// Divergence from the prior that costs nothing, so that the model has no gain from leaving its latents unused
/// (Kingma et al., 2016, arXiv 1606.04934, appendix C.8).
///
/// The loss has `max(nats, kl)` in place of each group's `kl`: below its budget a group has no gradient from its
/// divergence. Diagnostics show the divergence as it is. Beside the importance-weighted bound, which has no term for the
/// divergence, and beside gradients that stick the landing, `max(nats - kl, 0)` is added, with the closed form of the
/// divergence as a mean over importance samples; the gradients then cancel on average alone.
///
/// ```
/// use booster::evaluation::FreeBits;
///
/// let of_the_paper = FreeBits::new(2.0);
/// let of_each_sample = FreeBits::new(2.0).per_sample();
/// let shared_over_dimensions = FreeBits::new(2.0).per_dimension();
/// assert_ne!(of_the_paper, of_each_sample);
/// # let _ = shared_over_dimensions;
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreeBits {
    /// The budget of each stochastic layer, in nats; 0 turns free bits off.
    pub nats: f64,
    /// What the budget is compared with.
    pub clamp: FreeBitsClamp,
    /// Over what a layer's budget is spread.
    pub groups: FreeBitsGroups,
}

/// What the budget of a group is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FreeBitsClamp {
    /// The mean of the group's divergence over the batch, as in the paper. Of a batch in shards or micro-batches, each
    /// is compared by itself: the maximum of a mean is no mean of maxima.
    #[default]
    BatchMean,
    /// The group's divergence of each sample.
    Sample,
}

/// Over what a layer's budget is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FreeBitsGroups {
    /// The layer as a whole is one group.
    #[default]
    Layer,
    /// Each dimension of the latent is a group, with an equal share of the budget.
    Dimension,
}

impl FreeBits {
    /// No free bits.
    pub const fn none() -> Self {
        Self::new(0.0)
    }

    /// A budget for each stochastic layer, in nats, that is compared with the mean over the batch.
    pub const fn new(nats: f64) -> Self {
        Self { nats, clamp: FreeBitsClamp::BatchMean, groups: FreeBitsGroups::Layer }
    }

    /// The same budget, compared with each sample's divergence.
    #[must_use]
    pub const fn per_sample(self) -> Self {
        Self { clamp: FreeBitsClamp::Sample, ..self }
    }

    /// The same budget, shared equally over the dimensions of a layer.
    #[must_use]
    pub const fn per_dimension(self) -> Self {
        Self { groups: FreeBitsGroups::Dimension, ..self }
    }

    /// What is left of the budgets, summed over groups, as a 0-dimensional mean over the batch: with it added, a
    /// divergence `kl` becomes `max(nats, kl)`. `None` without a budget. Layers are `[batch, dims]`.
    pub(super) fn unused(self, layers: &[Tensor]) -> Result<Option<Tensor>> {
        if self.nats <= 0.0 {
            return Ok(None);
        }
        let mut sum: Option<Tensor> = None;
        for layer in layers {
            let unused = self.unused_by(layer)?;
            sum = Some(sum.map_or(Ok(unused.shallow_clone()), |sum| sum.f_add(&unused))?);
        }
        Ok(sum)
    }

    fn unused_by(self, layer: &Tensor) -> Result<Tensor> {
        let (kind, dims) = (layer.f_kind()?, layer.size().get(1).copied().unwrap_or(1).max(1));
        let (groups, budget) = match self.groups {
            FreeBitsGroups::Layer => (layer.f_sum_dim_intlist(&[1i64][..], true, kind)?, self.nats),
            FreeBitsGroups::Dimension => (layer.shallow_clone(), self.nats / dims as f64),
        };
        let compared = match self.clamp {
            FreeBitsClamp::BatchMean => groups.f_mean_dim(&[0i64][..], true, kind)?,
            FreeBitsClamp::Sample => groups,
        };
        let unused = compared.f_neg()?.try_add_scalar(budget)?.f_relu()?;
        Ok(unused.f_mean_dim(&[0i64][..], false, kind)?.f_sum(kind)?)
    }
}
