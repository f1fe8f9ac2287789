//! The categorical distribution.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::{Distribution, KlDivergence, Result, draws, fits, noise_options};
use crate::Batch;
use crate::error::Error;
use crate::functional::shape_and_kind;
use crate::kind::summing_kind;

/// The categorical distribution over `0..classes`, parameterized by logits along the last dimension.
///
/// A logit of minus infinity makes a class impossible. A logit of infinity makes every result NaN, as in PyTorch.
/// The classes that make a result infinite contribute 0 to its gradient.
#[derive(Batch, Debug)]
pub struct Categorical {
    log_probabilities: Tensor,
}

impl Categorical {
    /// Creates a distribution from logits `[*batch_shape, classes]`: log-probabilities up to a constant.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the logits have rank 0, no classes, or a kind other than floating point.
    pub fn from_logits(logits: &Tensor) -> Result<Self> {
        let (size, kind) = shape_and_kind("Categorical", logits)?;
        if size.last().is_none_or(|&classes| classes < 1) || !logits.is_floating_point() {
            return Err(Error::operand(
                "Categorical",
                "floating-point logits [*batch_shape, classes]",
                format!("shape {size:?} of kind {kind:?}"),
            ));
        }
        Ok(Self { log_probabilities: logits.f_log_softmax(-1, summing_kind(kind))? })
    }

    /// Returns the normalized log-probabilities, `[*batch_shape, classes]`, in at least single precision.
    pub fn log_probabilities(&self) -> &Tensor {
        &self.log_probabilities
    }

    /// Computes the expectation of `of` over classes; impossible classes contribute 0.
    fn expectation(&self, of: &Tensor) -> Result<Tensor> {
        let probability = self.log_probabilities.f_exp()?;
        // Masks before multiplying, since 0 times infinity is NaN, in the value and in the gradient.
        let never = probability.try_eq(0.0)?;
        let infinite = of.f_detach()?.try_eq(f64::INFINITY)?;
        let left_out = never.f_logical_or(&infinite)?;
        let terms = probability.f_mul(&of.try_masked_fill(&left_out, 0.0)?)?;
        let terms = terms.try_masked_fill(&infinite.f_logical_and(&never.f_logical_not()?)?, f64::INFINITY)?;
        Ok(terms.f_sum_dim_intlist(&[-1i64][..], false, terms.f_kind()?)?)
    }
}

impl Distribution for Categorical {
    fn batch_shape(&self) -> Vec<i64> {
        let mut size = self.log_probabilities.size();
        size.pop();
        size
    }

    /// Draws class indices of kind int64.
    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        // The Gumbel-max trick; Gumbel noise is minus the logarithm of an exponential draw.
        let log_probabilities = self.log_probabilities.f_detach()?;
        let options = noise_options(&log_probabilities)?;
        let waits = Tensor::f_empty(draws(sample_shape, &log_probabilities), options)?.f_exponential_(1.0)?;
        // A draw of 0 would turn an impossible class into NaN, which `argmax` picks.
        let noise = waits.try_clamp_min(f64::from(f32::MIN_POSITIVE))?.f_log()?;
        Ok(log_probabilities.f_sub(&noise)?.f_argmax(-1, false)?)
    }

    /// Computes the log-probability of class indices of an integer kind.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        const OPERATION: &str = "Categorical::log_prob";
        let shape = self.batch_shape();
        let (size, kind) = shape_and_kind(OPERATION, value)?;
        fits(OPERATION, &size, &shape)?;
        if !matches!(kind, Kind::Int64 | Kind::Int | Kind::Int16 | Kind::Int8 | Kind::Uint8) {
            let expected = "classes of an integer kind".to_owned();
            return Err(Error::operand(OPERATION, expected, format!("{kind:?}")));
        }
        let value = value.f_to_kind(Kind::Int64)?.f_unsqueeze(-1)?;
        let shared = super::broadcast(&value.size()[..value.dim() - 1], &shape).unwrap_or(shape);
        let classes = self.log_probabilities.size().last().copied().unwrap_or_default();
        let value = value.f_expand([&shared[..], &[1]].concat(), false)?;
        let log_probabilities = self.log_probabilities.f_expand([&shared[..], &[classes]].concat(), false)?;
        Ok(log_probabilities.f_gather(-1, &value, false)?.f_squeeze_dim(-1)?)
    }

    fn entropy(&self) -> Result<Tensor> {
        Ok(self.expectation(&self.log_probabilities)?.f_neg()?)
    }

    /// Returns an error: classes have no mean.
    fn mean(&self) -> Result<Tensor> {
        Err(Error::operand(
            "Categorical::mean",
            "a distribution over numbers",
            "a distribution over classes (see `log_probabilities`)",
        ))
    }
}

impl KlDivergence for Categorical {
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        let classes = [self, other].map(|one| one.log_probabilities.size().pop().unwrap_or_default());
        if classes[0] != classes[1] {
            return Err(Error::operand(
                "Categorical::kl_divergence",
                "distributions over the same classes",
                format!("distributions over {} and {} classes", classes[0], classes[1]),
            ));
        }
        self.expectation(&self.log_probabilities.f_sub(&other.log_probabilities)?)
    }
}
