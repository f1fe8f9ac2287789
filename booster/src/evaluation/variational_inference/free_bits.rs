//! Free bits.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use crate::error::Result;

/// A budget of KL divergence from the prior that the loss does not penalize, so that the model gains nothing by
/// ignoring its latents (Kingma et al., 2016, arXiv 1606.04934, appendix C.8).
///
/// In the loss, `max(nats, kl)` replaces each group's `kl`: below its budget, a group gets no gradient from its
/// KL divergence. Diagnostics report the actual KL divergence. With the importance-weighted bound, which has no KL
/// term, and with sticking-the-landing gradients, `max(nats - kl, 0)` is added instead, with `kl` averaged over
/// importance samples; the gradients then cancel only on average.
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
    /// The budget of each stochastic layer, in nats; 0 disables free bits.
    pub nats: f64,
    /// The KL divergence to compare with the budget.
    pub clamp: FreeBitsClamp,
    /// The groups that share a layer's budget.
    pub groups: FreeBitsGroups,
}

/// The KL divergence compared with a group's budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FreeBitsClamp {
    /// The mean of the group's KL divergence over the batch, as in the paper. Each shard or micro-batch is compared
    /// separately, so the loss depends on how a batch is split.
    #[default]
    BatchMean,
    /// The group's KL divergence for each sample.
    Sample,
}

/// The groups that share a layer's budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FreeBitsGroups {
    /// The whole layer is one group.
    #[default]
    Layer,
    /// Each dimension of the latent is a group, with an equal share of the budget.
    Dimension,
}

impl FreeBits {
    /// Returns a budget of 0, which disables free bits.
    pub const fn none() -> Self {
        Self::new(0.0)
    }

    /// Creates a budget for each stochastic layer, in nats, compared with the mean KL divergence over the batch.
    pub const fn new(nats: f64) -> Self {
        Self { nats, clamp: FreeBitsClamp::BatchMean, groups: FreeBitsGroups::Layer }
    }

    /// Compares the budget with the KL divergence of each sample.
    #[must_use]
    pub const fn per_sample(self) -> Self {
        Self { clamp: FreeBitsClamp::Sample, ..self }
    }

    /// Splits the budget equally over the dimensions of a layer.
    #[must_use]
    pub const fn per_dimension(self) -> Self {
        Self { groups: FreeBitsGroups::Dimension, ..self }
    }

    /// Computes the unused budget of all groups from layers `[batch, dims]`, as a 0-dimensional mean over the batch, or
    /// `None` without a budget. The sum of this and `kl` is `max(nats, kl)`.
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
