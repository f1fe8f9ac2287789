//! Variance and standard deviation.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::values::LeafValues;
use super::{HostState, Reduction, State};
use crate::error::{Error, Result};

/// The population variance: `sum(weight * (value - mean)^2) / sum(weight)`.
///
/// States are merged by the formula of Chan, Golub and `LeVeque` (1979), which avoids cancellation.
#[derive(Debug)]
pub struct Var;

/// The population standard deviation, the square root of [`Var`].
#[derive(Debug)]
pub struct Std;

/// The shared state: the weight, the mean and the sum of squared deviations from the mean.
const MOMENTS: Option<&str> = Some("booster::moments");

impl Reduction for Var {
    type Value = f64;
    const NAME: &'static str = "var";
    const STATE: Option<&'static str> = MOMENTS;

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let (values, weights) = leaf.flat()?;
        let weight = weights.f_sum(Kind::Double)?;
        let mean = values.f_mul(&weights)?.f_sum(Kind::Double)?.f_div(&not_zero(&weight)?)?;
        let squares = values.f_sub(&mean)?.f_square()?.f_mul(&weights)?.f_sum(Kind::Double)?;
        Ok(State::new([Tensor::f_stack(&[weight, mean, squares], 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        let part = |state: &State, index: i64| Ok::<_, Error>(state.parts()[0].f_select(0, index)?);
        let (one, other) = (part(earlier, 0)?, part(later, 0)?);
        let weight = one.f_add(&other)?;
        let share = other.f_div(&not_zero(&weight)?)?;
        let delta = part(later, 1)?.f_sub(&part(earlier, 1)?)?;
        let mean = part(earlier, 1)?.f_add(&delta.f_mul(&share)?)?;
        let between = delta.f_square()?.f_mul(&one)?.f_mul(&share)?;
        let squares = part(earlier, 2)?.f_add(&part(later, 2)?)?.f_add(&between)?;
        Ok(State::new([Tensor::f_stack(&[weight, mean, squares], 0)?]))
    }

    fn finish(state: &HostState) -> f64 {
        match state.parts().first().map(Vec::as_slice) {
            Some([weight, _, squares]) => squares / weight,
            _ => f64::NAN,
        }
    }
}

impl Reduction for Std {
    type Value = f64;
    const NAME: &'static str = "std";
    const KEEPS_UNIT: bool = true;
    const STATE: Option<&'static str> = MOMENTS;

    fn from_values(leaf: &LeafValues) -> Result<State> {
        Var::from_values(leaf)
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        Var::merge(earlier, later)
    }

    fn finish(state: &HostState) -> f64 {
        Var::finish(state).sqrt()
    }
}

/// Replaces a zero weight by 1 for a division whose numerator is then 0 as well.
fn not_zero(weight: &Tensor) -> Result<Tensor> {
    Ok(weight.try_masked_fill(&weight.try_eq(0)?, 1.0)?)
}
