//! The exponential moving average of a series.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::values::LeafValues;
use super::{HostState, Reduction, State};
use crate::error::{Error, Result};

/// The exponential moving average of the series of samples, the last one weighing most, without the bias of its start
/// (Kingma and Ba, 2015, arXiv 1412.6980, section 3).
///
/// `DECAY` is the decay per sample, as the bits of a double (a const parameter cannot be one): `#[metric(ema(0.99))]`.
/// A batch-level value that stands for `n` samples counts as `n` samples of that value. It depends on the order of the
/// samples, and on nothing else of how they are cut into batches.
///
/// The moving average of a model's weights is [`training::Ema`](crate::training::Ema).
#[derive(Debug)]
pub struct MovingAverage<const DECAY: u64>;

impl<const DECAY: u64> MovingAverage<DECAY> {
    const RATE: f64 = f64::from_bits(DECAY);

    /// `decay ^ weights`, and not quite 0, so that an infinity which has decayed for long stays one.
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
        // What comes after each row: all that is left.
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
