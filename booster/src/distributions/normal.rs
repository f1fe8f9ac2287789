//! The normal distribution.

use booster_sys::scalar::ScalarOps as _;
use std::f64::consts::PI;

use tch::Tensor;

use super::location_scale::location_scale;
use super::{Distribution, KlDivergence, Likelihood, Reparameterized, draws, likelihood, parameters, values};
use super::{Result, sample_without_graph};
use crate::Batch;

/// The normal distribution with a mean (`loc`) and the logarithm of a standard deviation (`log_scale`).
#[derive(Batch, Debug)]
pub struct Normal {
    loc: Tensor,
    log_scale: Tensor,
}

location_scale!(Normal, "Normal");

impl Distribution for Normal {
    fn batch_shape(&self) -> Vec<i64> {
        self.loc.size()
    }

    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        sample_without_graph(self, sample_shape)
    }

    fn log_prob(&self, value: &Tensor) -> Result<Tensor> {
        let energy = self.standardized(value)?.f_square()?.try_mul_scalar(-0.5)?;
        Ok(energy.f_sub(&self.log_scale)?.try_sub_scalar(0.5 * (2.0 * PI).ln())?)
    }

    fn entropy(&self) -> Result<Tensor> {
        Ok(self.log_scale.try_add_scalar(0.5 + 0.5 * (2.0 * PI).ln())?)
    }

    fn mean(&self) -> Result<Tensor> {
        Ok(self.loc.shallow_clone())
    }
}

impl Reparameterized for Normal {
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        let noise = Tensor::f_randn(draws(sample_shape, &self.loc), (self.loc.f_kind()?, self.loc.device()))?;
        Ok(noise.f_mul(&self.scale()?)?.f_add(&self.loc)?)
    }
}

impl KlDivergence for Normal {
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        let log_ratio = self.log_scale.f_sub(&other.log_scale)?.try_mul_scalar(2.0)?;
        let distance = self.loc.f_sub(&other.loc)?.f_mul(&other.log_scale.f_neg()?.f_exp()?)?.f_square()?;
        // The ratio of variances less 1 by `expm1`: of two that are close, a difference would leave nothing.
        Ok(log_ratio.f_expm1()?.f_sub(&log_ratio)?.f_add(&distance)?.try_mul_scalar(0.5)?)
    }
}
