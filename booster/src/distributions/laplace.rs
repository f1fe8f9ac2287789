//! The Laplace distribution.

use booster_sys::scalar::ScalarOps as _;
use std::f64::consts::LN_2;

use tch::Tensor;

use super::location_scale::location_scale;
use super::{Distribution, KlDivergence, Likelihood, Reparameterized, draws, likelihood, parameters, values};
use super::{Result, sample_without_graph};
use crate::Batch;

/// The Laplace distribution with a mean (`loc`) and the logarithm of a mean absolute deviation (`log_scale`).
#[derive(Batch, Debug)]
pub struct Laplace {
    loc: Tensor,
    log_scale: Tensor,
}

location_scale!(Laplace, "Laplace");

impl Distribution for Laplace {
    fn batch_shape(&self) -> Vec<i64> {
        self.loc.size()
    }

    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        sample_without_graph(self, sample_shape)
    }

    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let energy = self.standardized(value)?.f_abs()?.f_neg()?;
        Ok(energy.f_sub(&self.log_scale)?.try_sub_scalar(LN_2)?)
    }

    fn entropy(&self) -> Result<Tensor> {
        Ok(self.log_scale.try_add_scalar(1.0 + LN_2)?)
    }

    fn mean(&self) -> Result<Tensor> {
        Ok(self.loc.shallow_clone())
    }
}

impl Reparameterized for Laplace {
    /// The difference of two exponential draws is a Laplace draw, without a logarithm of what may be 0.
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        let options = (self.loc.f_kind()?, self.loc.device());
        let exponential = || Tensor::f_empty(draws(sample_shape, &self.loc), options)?.f_exponential_(1.0);
        let noise = exponential()?.f_sub(&exponential()?)?;
        Ok(noise.f_mul(&self.scale()?)?.f_add(&self.loc)?)
    }
}

impl KlDivergence for Laplace {
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        let log_ratio = self.log_scale.f_sub(&other.log_scale)?;
        let distance = self.loc.f_sub(&other.loc)?.f_abs()?;
        let own_distance = distance.f_mul(&self.log_scale.f_neg()?.f_exp()?)?;
        let others_distance = distance.f_mul(&other.log_scale.f_neg()?.f_exp()?)?;
        // `exp(ratio - own distance) + others' distance - 1 - ratio`, in terms that are small where the two are close.
        let overlap = log_ratio.f_sub(&own_distance)?.f_expm1()?;
        Ok(overlap.f_add(&others_distance)?.f_sub(&log_ratio)?)
    }
}
