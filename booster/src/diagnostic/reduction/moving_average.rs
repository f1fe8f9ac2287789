//! The exponential moving average.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::values::LeafValues;
use super::{HostState, Reduction, State};
use crate::error::{Error, Result};

/// The exponential moving average over samples, with bias correction (Kingma and Ba, 2015, arXiv 1412.6980, section 3).
///
/// `DECAY` is the decay per sample, given as the bits of a double: `#[metric(ema(0.99))]`. A batch-level value of `n`
/// samples counts as `n` samples of that value. The result depends on the order of the samples, but not on how they are
/// split into batches.
///
/// For the moving average of a model's weights, see [`training::Ema`](crate::training::Ema).
#[derive(Debug)]
pub struct MovingAverage<const DECAY: u64>;

impl<const DECAY: u64> MovingAverage<DECAY> {
    const RATE: f64 = f64::from_bits(DECAY);

    /// Returns `decay ^ weights`, clamped above 0 so that an infinity never decays to `inf * 0`.
    fn decayed(weights: &Tensor) -> Result<Tensor> {
        Ok(weights.try_mul_scalar(Self::RATE.ln())?.f_exp()?.try_clamp_min(f64::from_bits(1))?)
    }
}

impl<const DECAY: u64> Reduction for MovingAverage<DECAY> {
    type Value = f64;
    const NAME: &'static str = "ema";
    const KEEPS_UNIT: bool = true;
    const PARAMETERS: &'static [f64] = &[f64::from_bits(DECAY)];

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let (means, weights) = leaf.by_row()?;
        let total = weights.f_sum(Kind::Double)?;
        // The weight of all later rows, by which each row has decayed.
        let after = total.f_sub(&weights.f_cumsum(0, Kind::Double)?)?;
        let share = Self::decayed(&weights)?.f_neg()?.try_add_scalar(1.0)?;
        let average = means.f_mul(&share)?.f_mul(&Self::decayed(&after)?)?.f_sum(Kind::Double)?;
        Ok(State::new([Tensor::f_stack(&[average, total], 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        let number = |state: &State, index: i64| Ok::<_, Error>(state.parts()[0].f_select(0, index)?);
        let decay = Self::decayed(&number(later, 1)?)?;
        let average = number(earlier, 0)?.f_mul(&decay)?.f_add(&number(later, 0)?)?;
        let total = number(earlier, 1)?.f_add(&number(later, 1)?)?;
        Ok(State::new([Tensor::f_stack(&[average, total], 0)?]))
    }

    fn finish(state: &HostState) -> f64 {
        let (average, total) = state.pair();
        average / (1.0 - Self::RATE.powf(total))
    }
}
