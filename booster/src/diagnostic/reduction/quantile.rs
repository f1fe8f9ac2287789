//! Quantiles from a mergeable sketch.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::values::LeafValues;
use super::{HostState, Reduction, State};
use crate::error::Result;

/// The smallest value whose rank is at least `RANK / 10,000` of the total weight (the inverse of the cumulative
/// distribution). It is NaN if any value with nonzero weight is NaN, or if no value has nonzero weight.
///
/// `#[metric(p95)]` is `Quantile<9500>`. It is exact for up to 2,048 values. Beyond that, values are kept in levels:
/// when a level of total weight `W` exceeds 2,048 values, they are sorted and those at odd multiples of `W / 4096` are
/// promoted to the next level with weight `W / 2048` (an equi-rank summary, merged like a binary counter: Munro and
/// Paterson, 1980; Agarwal et al., Mergeable Summaries, 2012). Each promotion shifts a rank by at most `W / 4096`, and
/// a value is promoted at most once per level, so the rank error is at most `levels / 4096` of the weight: below 0.5 %
/// for 10^9 values. Within this bound, the result may vary with the order of the samples and how they are split into
/// batches.
#[derive(Debug)]
pub struct Quantile<const RANK: u32>;

/// The maximum number of values in a level.
const CAPACITY: i64 = 2048;

impl<const RANK: u32> Reduction for Quantile<RANK> {
    type Value = f64;
    const NAME: &'static str = "quantile";
    const KEEPS_UNIT: bool = true;
    const PARAMETERS: &'static [f64] = &[RANK as f64 / 10_000.0];
    const STATE: Option<&'static str> = Some("booster::quantiles");

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let (values, weights) = leaf.flat()?;
        Ok(State::new(carried(vec![Some(Points { values, weights })])?))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        let levels = earlier.parts().len().max(later.parts().len());
        let level = |index: usize| {
            let here = [earlier, later].into_iter().filter_map(|state| state.parts().get(index));
            let points = here.map(Points::unpack).collect::<Result<Vec<_>>>()?;
            Points::join(points.into_iter().flatten().collect())
        };
        Ok(State::new(carried((0..levels).map(level).collect::<Result<_>>()?)?))
    }

    fn finish(state: &HostState) -> f64 {
        let mut points = Vec::new();
        for part in state.parts() {
            let (values, weights) = part.split_at(part.len() / 2);
            points.extend(values.iter().copied().zip(weights.iter().copied()));
        }
        points.retain(|(_, weight)| *weight > 0.0 || weight.is_nan());
        if points.iter().any(|(value, weight)| value.is_nan() || weight.is_nan()) {
            return f64::NAN;
        }
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        let total = points.iter().map(|(_, weight)| weight).sum::<f64>();
        // The tolerance allows for rounding in the sums of weights.
        let rank = f64::from(RANK) / 10_000.0 * total * (1.0 - 1e-12);
        let mut below = 0.0;
        let found = points.iter().find(|(_, weight)| {
            below += weight;
            below >= rank
        });
        found.or(points.last()).map_or(f64::NAN, |(value, _)| *value)
    }
}

/// Values and their weights: doubles, `[n]` each.
struct Points {
    values: Tensor,
    weights: Tensor,
}

impl Points {
    /// Packs points into a part of a state: the values, then the weights. `None` becomes an empty part.
    fn pack(points: Option<&Self>) -> Result<Tensor> {
        Ok(match points {
            Some(Self { values, weights }) => Tensor::f_cat(&[values, weights], 0)?,
            None => Tensor::f_from_slice::<f64>(&[])?,
        })
    }

    fn unpack(part: &Tensor) -> Result<Option<Self>> {
        let count = part.size()[0] / 2;
        if count == 0 {
            return Ok(None);
        }
        Ok(Some(Self { values: part.f_narrow(0, 0, count)?, weights: part.f_narrow(0, count, count)? }))
    }

    fn join(points: Vec<Self>) -> Result<Option<Self>> {
        if points.len() < 2 {
            return Ok(points.into_iter().next());
        }
        let values = points.iter().map(|points| &points.values).collect::<Vec<_>>();
        let weights = points.iter().map(|points| &points.weights).collect::<Vec<_>>();
        Ok(Some(Self { values: Tensor::f_cat(&values, 0)?, weights: Tensor::f_cat(&weights, 0)? }))
    }

    fn count(&self) -> i64 {
        self.values.size()[0]
    }

    /// Compresses to `CAPACITY` values at equal steps of rank.
    fn compressed(&self) -> Result<Self> {
        let (values, order) = self.values.f_sort(0, false)?;
        let ranks = self.weights.f_index_select(0, &order)?.f_cumsum(0, Kind::Double)?;
        let total = ranks.f_select(0, -1)?;
        let device = values.device();
        let steps =
            Tensor::f_ones([CAPACITY], (Kind::Double, device))?.f_cumsum(0, Kind::Double)?.try_sub_scalar(0.5)?;
        let targets = steps.f_mul(&total)?.try_div_scalar(CAPACITY as f64)?;
        let found = targets.f_searchsorted(&ranks, false, false, "left", None::<Tensor>)?;
        let last = self.count() - 1;
        // NaN sorts last; all kept values become NaN, so that it is not lost.
        let any_nan = values.f_select(0, -1)?.f_isnan()?;
        let values = values.f_index_select(0, &found.try_clamp_max(last)?)?.try_masked_fill(&any_nan, f64::NAN)?;
        let weights = total.try_div_scalar(CAPACITY as f64)?.f_expand([CAPACITY], false)?.f_contiguous()?;
        Ok(Self { values, weights })
    }
}

/// Promotes values of levels that exceed their capacity, and packs the levels.
fn carried(mut levels: Vec<Option<Points>>) -> Result<Vec<Tensor>> {
    let mut index = 0;
    while index < levels.len() {
        if let Some(points) = levels[index].take_if(|points| points.count() > CAPACITY) {
            if index + 1 == levels.len() {
                levels.push(None);
            }
            let above = levels[index + 1].take();
            levels[index + 1] = Points::join([above, Some(points.compressed()?)].into_iter().flatten().collect())?;
        }
        index += 1;
    }
    let device = levels.iter().flatten().next().map(|points| points.values.device());
    let packed = levels.iter().map(|points| match (Points::pack(points.as_ref())?, device) {
        (part, Some(device)) => crate::device::to_device(&part, device),
        (part, None) => Ok(part),
    });
    packed.collect()
}
