//! The Bernoulli distribution.

use booster_sys::scalar::{ScalarOps as _, limit};
use tch::{Kind, Reduction, Tensor};

use super::{Distribution, KlDivergence, Likelihood, Result, draws, likelihood, parameters, values};
use crate::Batch;
use crate::functional::at_least_single;

/// Of this logit a probability is 0, or 1, in double precision.
const CERTAIN: f64 = 1000.0;

/// The Bernoulli distribution with the logit of 1's probability.
///
/// `log_prob` takes values from 0 to 1: those between are the expected log-probability, as of grey pixels. Values are not
/// checked, which would wait for the device: beyond 0 and 1 the result is no log-probability.
///
/// A logit of infinity is a probability of 1, one of minus infinity a probability of 0. What is certain has the
/// log-probability 0, what is impossible minus infinity. Where a result is infinite, its gradient is 0.
#[derive(Batch, Debug)]
pub struct Bernoulli {
    logits: Tensor,
}

impl Bernoulli {
    /// The distribution with `ln(p / (1 - p))` for a probability `p` of 1.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) for logits of another kind than floating point.
    pub fn from_logits(logits: &Tensor) -> Result<Self> {
        let [logits] = parameters("Bernoulli", [logits])?;
        Ok(Self { logits })
    }

    /// The logits.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }
}

impl Distribution for Bernoulli {
    fn batch_shape(&self) -> Vec<i64> {
        self.logits.size()
    }

    /// Draws 0 and 1, in the kind of the logits.
    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        let probability = at_least_single(&self.logits.f_detach()?)?.f_sigmoid()?;
        let draws = probability.f_expand(draws(sample_shape, &self.logits), false)?.f_bernoulli()?;
        Ok(draws.f_to_kind(self.logits.f_kind()?)?)
    }

    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let logits = at_least_single(&self.logits)?;
        let value = values("Bernoulli::log_prob", value, &logits)?;
        let shapes = Tensor::f_broadcast_tensors(&[&logits, &value])?;
        let [logits, value] = &shapes[..] else { return Ok(value) };
        // libtorch has NaN for infinite logits. The greatest ones that are finite give 0, or more than can be told from
        // infinity: by the least share of it that a value can miss, which is half of epsilon, and some room.
        let (greatest, epsilon) = match logits.f_kind()? {
            Kind::Double => (f64::MAX, f64::EPSILON),
            _ => (f64::from(f32::MAX), f64::from(f32::EPSILON)),
        };
        let logits = limit(logits, -greatest, greatest)?;
        let nll = logits.f_binary_cross_entropy_with_logits::<Tensor>(value, None, None, Reduction::None)?;
        Ok(nll.f_neg()?.try_threshold(-greatest * epsilon / 4.0, f64::NEG_INFINITY)?)
    }

    fn entropy(&self) -> Result<Tensor> {
        // Written for the less likely value, so that its small probability is not a difference from 1.
        // Beyond the limit it is 0 in any precision; infinity times 0 would be NaN.
        let certainty = at_least_single(&self.logits)?.f_abs()?.try_clamp_max(CERTAIN)?;
        let rare = certainty.f_neg()?;
        Ok(certainty.f_log_sigmoid()?.f_neg()?.f_add(&certainty.f_mul(&rare.f_sigmoid()?)?)?)
    }

    fn mean(&self) -> Result<Tensor> {
        Ok(self.logits.f_sigmoid()?)
    }
}

impl KlDivergence for Bernoulli {
    /// The Bregman divergence of softplus, which generates the family.
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        // Of the less likely value, as the entropy: where a probability rounds to 1, its gradient would be lost.
        let (logits, other_logits) = (at_least_single(&self.logits)?, at_least_single(&other.logits)?);
        let certain = other_logits.f_isinf()?;
        let likely = logits.try_gt(0.0)?;
        let rare = |logits: &Tensor| logits.f_neg()?.f_where_self(&likely, logits);
        let own = rare(&logits)?.try_clamp_min(-CERTAIN)?;
        let others = rare(&other_logits.try_masked_fill(&certain, 0.0)?)?;
        let softplus = |logits: &Tensor| logits.f_neg()?.f_log_sigmoid()?.f_neg();
        let along_tangent = own.f_sigmoid()?.f_mul(&others.f_sub(&own)?)?;
        let kl = softplus(&others)?.f_sub(&softplus(&own)?)?.f_sub(&along_tangent)?;
        // What the other excludes costs infinity, if it comes at all.
        let excluded = logits.f_neg()?.f_where_self(&other_logits.try_gt(0.0)?, &logits)?.f_detach()?.f_sigmoid()?;
        let of_certain = excluded.try_masked_fill(&excluded.try_gt(0.0)?, f64::INFINITY)?;
        Ok(of_certain.f_where_self(&certain, &kl)?)
    }
}

impl Likelihood for Bernoulli {
    const PARAMETERS: i64 = 1;

    fn from_parameters(parameters: &Tensor) -> Result<Self> {
        let [logits] = likelihood::split("Bernoulli", parameters)?;
        Self::from_logits(&logits)
    }
}
