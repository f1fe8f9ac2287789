//! The Bernoulli distribution.

use booster_sys::scalar::{ScalarOps as _, limit};
use tch::{Kind, Reduction, Tensor};

use super::{Distribution, KlDivergence, Likelihood, Result, draws, likelihood, parameters, values};
use crate::Batch;
use crate::functional::at_least_single;

/// Beyond this logit, a probability is 0 or 1 in double precision.
const CERTAIN: f64 = 1000.0;

/// The Bernoulli distribution, parameterized by logits.
///
/// `log_prob` accepts values from 0 to 1; values in between, such as gray pixels, give the expected log-probability.
/// Values outside this range are not rejected, since a check would wait for the device, but the result is meaningless.
///
/// A logit of infinity means probability 1, and minus infinity means probability 0. Certain values have log-probability
/// 0, and impossible values minus infinity. The gradient of an infinite result is 0.
#[derive(Batch, Debug)]
pub struct Bernoulli {
    logits: Tensor,
}

impl Bernoulli {
    /// Creates a distribution from the logits `ln(p / (1 - p))` of the probability `p` of 1.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if the logits are not of a floating-point kind.
    pub fn from_logits(logits: &Tensor) -> Result<Self> {
        let [logits] = parameters("Bernoulli", [logits])?;
        Ok(Self { logits })
    }

    /// Returns the logits.
    pub fn logits(&self) -> &Tensor {
        &self.logits
    }
}

impl Distribution for Bernoulli {
    fn batch_shape(&self) -> Vec<i64> {
        self.logits.size()
    }

    /// Draws zeros and ones, in the kind of the logits.
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
        // libtorch returns NaN for infinite logits, so they are clamped to the largest finite ones. The loss is then 0
        // or at least `greatest * epsilon / 2`, since no value below 1 is closer to 1 than `epsilon / 2`; the threshold
        // is half of that.
        let (greatest, epsilon) = match logits.f_kind()? {
            Kind::Double => (f64::MAX, f64::EPSILON),
            _ => (f64::from(f32::MAX), f64::from(f32::EPSILON)),
        };
        let logits = limit(logits, -greatest, greatest)?;
        let nll = logits.f_binary_cross_entropy_with_logits::<Tensor>(value, None, None, Reduction::None)?;
        Ok(nll.f_neg()?.try_threshold(-greatest * epsilon / 4.0, f64::NEG_INFINITY)?)
    }

    fn entropy(&self) -> Result<Tensor> {
        // The less likely value avoids cancellation in `1 - p`, and clamping avoids infinity times 0, which is NaN.
        let certainty = at_least_single(&self.logits)?.f_abs()?.try_clamp_max(CERTAIN)?;
        let rare = certainty.f_neg()?;
        Ok(certainty.f_log_sigmoid()?.f_neg()?.f_add(&certainty.f_mul(&rare.f_sigmoid()?)?)?)
    }

    fn mean(&self) -> Result<Tensor> {
        Ok(self.logits.f_sigmoid()?)
    }
}

impl KlDivergence for Bernoulli {
    /// Computes the Bregman divergence of softplus, the log-partition function of the family.
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        // Uses the less likely value, since a probability that rounds to 1 would lose its gradient.
        let (logits, other_logits) = (at_least_single(&self.logits)?, at_least_single(&other.logits)?);
        let certain = other_logits.f_isinf()?;
        let likely = logits.try_gt(0.0)?;
        let rare = |logits: &Tensor| logits.f_neg()?.f_where_self(&likely, logits);
        let own = rare(&logits)?.try_clamp_min(-CERTAIN)?;
        let others = rare(&other_logits.try_masked_fill(&certain, 0.0)?)?;
        let softplus = |logits: &Tensor| logits.f_neg()?.f_log_sigmoid()?.f_neg();
        let along_tangent = own.f_sigmoid()?.f_mul(&others.f_sub(&own)?)?;
        let kl = softplus(&others)?.f_sub(&softplus(&own)?)?.f_sub(&along_tangent)?;
        // The divergence is infinite if `other` rules out a value that `self` can draw.
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
