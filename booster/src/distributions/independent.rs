//! Batch dimensions as event dimensions.

use tch::Tensor;

use super::{Distribution, KlDivergence, Reparameterized, Result};
use crate::Batch;
use crate::error::Error;
use crate::kind::summing_kind;

/// A distribution whose last `DIMS` batch dimensions form one event, with their log-probabilities summed.
///
/// ```
/// use booster::distributions::{Distribution, Independent, Normal};
/// use booster::tch::{Device, Kind, Tensor};
///
/// # fn main() -> booster::Result<()> {
/// let zeros = Tensor::zeros([5, 3], (Kind::Float, Device::Cpu));
/// let vectors = Independent::<_, 1>::new(Normal::new(&zeros, &zeros)?)?;
/// assert_eq!((vectors.batch_shape(), vectors.event_shape()), (vec![5], vec![3]));
/// assert_eq!(vectors.log_prob(&zeros)?.size(), [5]);
/// # Ok(())
/// # }
/// ```
#[derive(Batch, Debug)]
pub struct Independent<D, const DIMS: usize> {
    base: D,
}

impl<D: Distribution, const DIMS: usize> Independent<D, DIMS> {
    /// Treats the last `DIMS` batch dimensions of `base` as event dimensions.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `base` has fewer than `DIMS` batch dimensions.
    pub fn new(base: D) -> Result<Self> {
        let shape = base.batch_shape();
        if shape.len() < DIMS {
            return Err(Error::operand(
                "Independent",
                format!("a distribution with at least {DIMS} batch dimensions"),
                format!("batch shape {shape:?}"),
            ));
        }
        Ok(Self { base })
    }

    /// Returns the distribution of individual values.
    pub fn base(&self) -> &D {
        &self.base
    }

    /// Sums over the event dimensions.
    fn sum(of_each: Tensor) -> Result<Tensor> {
        let last = (1..=DIMS as i64).map(|dim| -dim).collect::<Vec<_>>();
        let kind = summing_kind(of_each.f_kind()?);
        // libtorch treats an empty list of dimensions as all of them.
        Ok(if last.is_empty() { of_each } else { of_each.f_sum_dim_intlist(&last[..], false, kind)? })
    }
}

impl<D: Distribution, const DIMS: usize> Distribution for Independent<D, DIMS> {
    fn batch_shape(&self) -> Vec<i64> {
        let mut shape = self.base.batch_shape();
        shape.truncate(shape.len().saturating_sub(DIMS));
        shape
    }

    fn event_shape(&self) -> Vec<i64> {
        let shape = self.base.batch_shape();
        let of_batch = shape.len().saturating_sub(DIMS);
        [&shape[of_batch..], &self.base.event_shape()].concat()
    }

    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        self.base.sample(sample_shape)
    }

    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        Self::sum(self.base.log_prob(value)?)
    }

    fn entropy(&self) -> Result<Tensor> {
        Self::sum(self.base.entropy()?)
    }

    fn mean(&self) -> Result<Tensor> {
        self.base.mean()
    }
}

impl<D: Reparameterized, const DIMS: usize> Reparameterized for Independent<D, DIMS> {
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        self.base.rsample(sample_shape)
    }
}

impl<D: KlDivergence<O>, O, const DIMS: usize> KlDivergence<Independent<O, DIMS>> for Independent<D, DIMS> {
    fn kl_divergence(&self, other: &Independent<O, DIMS>) -> Result<Tensor> {
        Self::sum(self.base.kl_divergence(&other.base)?)
    }
}
