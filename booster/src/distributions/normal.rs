//! The normal distribution.

use booster_sys::scalar::ScalarOps as _;
use std::f64::consts::PI;

use tch::Tensor;

use super::location_scale::{in_units, location_scale};
use super::{Distribution, KlDivergence, Likelihood, Reparameterized, likelihood, noise_options, parameters, values};
use super::{Result, draws, sample_without_graph};
use crate::Batch;
use crate::functional::at_least_single;

/// The normal distribution with mean `loc` and log standard deviation `log_scale`.
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
        let [loc, log_scale] = self.at_least_single()?;
        let value = values("Normal::log_prob", value, &loc)?;
        // `square` and `value - loc` have more expensive backward passes.
        let distance = in_units(&loc.f_sub(&value)?, &log_scale)?;
        let energy = distance.f_mul(&distance.try_mul_scalar(-0.5)?)?;
        Ok(energy.f_sub(&log_scale)?.try_sub_scalar(0.5 * (2.0 * PI).ln())?)
    }

    fn entropy(&self) -> Result<Tensor> {
        Ok(at_least_single(&self.log_scale)?.try_add_scalar(0.5 + 0.5 * (2.0 * PI).ln())?)
    }

    fn mean(&self) -> Result<Tensor> {
        Ok(self.loc.shallow_clone())
    }
}

impl Reparameterized for Normal {
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        self.draw_of(&Tensor::f_randn(draws(sample_shape, &self.loc), noise_options(&self.loc)?)?)
    }
}

impl KlDivergence for Normal {
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        let ([loc, log_scale], [other_loc, other_log_scale]) = (self.at_least_single()?, other.at_least_single()?);
        let log_ratio = log_scale.f_sub(&other_log_scale)?.try_mul_scalar(2.0)?;
        let distance = in_units(&loc.f_sub(&other_loc)?, &other_log_scale)?;
        // `expm1` avoids cancellation between similar variances.
        Ok(log_ratio.f_expm1()?.f_sub(&log_ratio)?.f_add(&distance.f_mul(&distance)?)?.try_mul_scalar(0.5)?)
    }
}
