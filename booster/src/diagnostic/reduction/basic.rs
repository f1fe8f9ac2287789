//! Mean, sum, count, minimum, maximum and last value.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use super::values::LeafValues;
use super::{Additive, Gather, HostState, Reduction, State};
use crate::error::Result;

/// The mean over samples: `sum(weight * value) / sum(weight)`, or NaN if the total weight is 0.
#[derive(Debug)]
pub struct Mean;

impl Reduction for Mean {
    type Value = f64;
    const NAME: &'static str = "mean";
    const KEEPS_UNIT: bool = true;
    const ADDITIVE: Option<Additive> = Some(Additive::Mean);

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let (sum, weight) = leaf.weighted_sums()?;
        Ok(State::new([Tensor::f_stack(&[sum, weight], 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        add(earlier, later)
    }

    fn finish(state: &HostState) -> f64 {
        let (sum, weight) = state.pair();
        sum / weight
    }
}

/// The sum of all values. Batch-level values count once, weighted values are multiplied by their weights, and ratios
/// contribute their numerators.
#[derive(Debug)]
pub struct Sum;

impl Reduction for Sum {
    type Value = f64;
    const NAME: &'static str = "sum";
    const KEEPS_UNIT: bool = true;
    const GATHER: Gather = Gather::Sum;
    const ADDITIVE: Option<Additive> = Some(Additive::Sum);

    fn from_values(leaf: &LeafValues) -> Result<State> {
        Ok(State::new([leaf.sum()?.f_reshape([1])?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        add(earlier, later)
    }

    fn finish(state: &HostState) -> f64 {
        state.pair().0
    }
}

/// The number of samples: the sum of the weights as given, or of the denominators for ratios. A sample with skipped
/// entries counts as the fraction of its entries that remains.
#[derive(Debug)]
pub struct Count;

impl Reduction for Count {
    type Value = f64;
    const NAME: &'static str = "count";
    const ADDITIVE: Option<Additive> = Some(Additive::Count);

    fn from_values(leaf: &LeafValues) -> Result<State> {
        Ok(State::new([leaf.count()?.f_reshape([1])?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        add(earlier, later)
    }

    fn finish(state: &HostState) -> f64 {
        state.pair().0
    }
}

/// The smallest value with nonzero weight, or NaN if there is none.
#[derive(Debug)]
pub struct Min;

impl Reduction for Min {
    type Value = f64;
    const NAME: &'static str = "min";
    const KEEPS_UNIT: bool = true;
    const GATHER: Gather = Gather::Min;

    fn from_values(leaf: &LeafValues) -> Result<State> {
        // The presence flag is negated so that both numbers merge by their minimum.
        let least = leaf.counted_or(f64::INFINITY)?.f_amin(ALL, false)?;
        Ok(State::new([Tensor::f_stack(&[least, leaf.any_counts()?.f_neg()?], 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        Ok(State::new([earlier.parts()[0].f_minimum(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> f64 {
        present(state.pair())
    }
}

/// The largest value with nonzero weight, or NaN if there is none.
#[derive(Debug)]
pub struct Max;

impl Reduction for Max {
    type Value = f64;
    const NAME: &'static str = "max";
    const KEEPS_UNIT: bool = true;
    const GATHER: Gather = Gather::Max;

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let greatest = leaf.counted_or(f64::NEG_INFINITY)?.f_amax(ALL, false)?;
        Ok(State::new([Tensor::f_stack(&[greatest, leaf.any_counts()?], 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        Ok(State::new([earlier.parts()[0].f_maximum(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> f64 {
        present(state.pair())
    }
}

/// The value of the last sample with nonzero weight (the mean over its entries if it has dimensions), or NaN if there
/// is none.
#[derive(Debug)]
pub struct Last;

impl Reduction for Last {
    type Value = f64;
    const NAME: &'static str = "last";
    const KEEPS_UNIT: bool = true;
    const GATHER: Gather = Gather::Last;

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let (last, present) = leaf.last()?;
        Ok(State::new([Tensor::f_stack(&[last, present], 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        let (earlier, later) = (&earlier.parts()[0], &later.parts()[0]);
        Ok(State::new([later.f_where_self(&later.f_narrow(0, 1, 1)?.try_gt(0)?, earlier)?]))
    }

    fn finish(state: &HostState) -> f64 {
        present(state.pair())
    }
}

/// All dimensions, for libtorch reductions.
const ALL: &[i64] = &[];

/// Returns the value, or NaN if its presence flag is 0.
fn present((value, presence): (f64, f64)) -> f64 {
    if presence == 0.0 { f64::NAN } else { value }
}

/// Adds two states part by part.
pub(super) fn add(earlier: &State, later: &State) -> Result<State> {
    let parts = earlier.parts().iter().zip(later.parts()).map(|(earlier, later)| Ok(earlier.f_add(later)?));
    Ok(State::new(parts.collect::<Result<Vec<_>>>()?).with_dims(earlier.dims()))
}
