//! The Laplace distribution.

use booster_sys::scalar::ScalarOps as _;
use std::f64::consts::LN_2;

use tch::Tensor;

use super::location_scale::{greatest_exponent, in_units, location_scale};
use super::{Distribution, KlDivergence, Likelihood, Reparameterized, likelihood, noise_options, parameters, values};
use super::{Result, draws, sample_without_graph};
use crate::Batch;
use crate::functional::at_least_single;

/// The Laplace distribution with mean `loc` and log mean absolute deviation `log_scale`.
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
        let [loc, log_scale] = self.at_least_single()?;
        let value = values("Laplace::log_prob", value, &loc)?;
        let energy = in_units(&loc.f_sub(&value)?, &log_scale)?.f_abs()?.f_neg()?;
        Ok(energy.f_sub(&log_scale)?.try_sub_scalar(LN_2)?)
    }

    fn entropy(&self) -> Result<Tensor> {
        Ok(at_least_single(&self.log_scale)?.try_add_scalar(1.0 + LN_2)?)
    }

    fn mean(&self) -> Result<Tensor> {
        Ok(self.loc.shallow_clone())
    }
}

impl Reparameterized for Laplace {
    /// Draws the difference of two exponential variables, which avoids the logarithm of 0.
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor> {
        let options = noise_options(&self.loc)?;
        let exponential = || Tensor::f_empty(draws(sample_shape, &self.loc), options)?.f_exponential_(1.0);
        self.draw_of(&exponential()?.f_sub(&exponential()?)?)
    }
}

impl KlDivergence for Laplace {
    fn kl_divergence(&self, other: &Self) -> Result<Tensor> {
        let ([loc, log_scale], [other_loc, other_log_scale]) = (self.at_least_single()?, other.at_least_single()?);
        let log_ratio = log_scale.f_sub(&other_log_scale)?;
        // Scales before `abs`, whose gradient of 0 at 0 would become NaN when multiplied by an infinite factor.
        let difference = loc.f_sub(&other_loc)?;
        // The overlap vanishes at large distances, so clamping the factor to a finite one changes nothing.
        let limit = greatest_exponent(log_scale.f_kind()?);
        let own_distance = difference.f_mul(&log_scale.f_neg()?.try_clamp_max(limit)?.f_exp()?)?.f_abs()?;
        let others_distance = in_units(&difference, &other_log_scale)?.f_abs()?;
        // `exp(ratio - own_distance) + others_distance - 1 - ratio`, with `expm1` to avoid cancellation.
        let overlap = log_ratio.f_sub(&own_distance)?.f_expm1()?;
        Ok(overlap.f_add(&others_distance)?.f_sub(&log_ratio)?)
    }
}
