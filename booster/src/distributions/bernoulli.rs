//! The Bernoulli distribution.

use booster_sys::scalar::ScalarOps as _;
use tch::{Reduction, Tensor};

use super::{Distribution, KlDivergence, Likelihood, Result, draws, likelihood, parameters, values};
use crate::Batch;

/// The Bernoulli distribution with the logit of 1's probability.
///
/// `log_prob` takes values from 0 to 1: those between are the expected log-probability, as of grey pixels.
#[derive(Batch, Debug)]
pub struct Bernoulli {
    logits: Tensor,
}

impl Bernoulli {
    /// The distribution with `ln(p / (1 - p))` for a probability `p` of 1.
    ///
    /// # Errors
    /// [`Error::Operand`](crate::Error::Operand) for logits of another kind than floating point.
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
        let probability = self.logits.f_detach()?.f_sigmoid()?;
        Ok(probability.f_expand(draws(sample_shape, &self.logits), false)?.f_bernoulli()?)
    }

    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let value = values("Bernoulli::log_prob", value, &self.logits)?;
        let shapes = Tensor::f_broadcast_tensors(&[&self.logits, &value])?;
        let [logits, value] = &shapes[..] else { return Ok(value) };
        let nll = logits.f_binary_cross_entropy_with_logits::<Tensor>(value, None, None, Reduction::None)?;
        Ok(nll.f_neg()?)
    }

    fn entropy(&self) -> Result<Tensor> {
        // Written for the less likely value, so that its small probability is not a difference from 1.
        let certainty = self.logits.f_abs()?;
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
        let likely = self.logits.try_gt(0.0)?;
        let rare = |logits: &Tensor| logits.f_neg()?.f_where_self(&likely, logits);
        let (own, others) = (rare(&self.logits)?, rare(&other.logits)?);
        let softplus = |logits: &Tensor| logits.f_neg()?.f_log_sigmoid()?.f_neg();
        let along_tangent = own.f_sigmoid()?.f_mul(&others.f_sub(&own)?)?;
        Ok(softplus(&others)?.f_sub(&softplus(&own)?)?.f_sub(&along_tangent)?)
    }
}

impl Likelihood for Bernoulli {
    const PARAMETERS: i64 = 1;

    fn from_parameters(parameters: &Tensor) -> Result<Self> {
        let [logits] = likelihood::split("Bernoulli", parameters)?;
        Self::from_logits(&logits)
    }
}
