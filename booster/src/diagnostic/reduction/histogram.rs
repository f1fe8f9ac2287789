//! Histograms with fixed buckets.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::values::LeafValues;
use super::{HostState, Reduction, State};
use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::transfers;

/// A histogram with TensorBoard's default buckets, which cover all doubles: they grow by 10 % from 1e-12 to 1e20 on
/// either side of 0. Empty buckets at both ends are omitted.
#[derive(Debug)]
pub struct AutoHistogram;

/// A histogram of `BINS` equal buckets from `LOW` to `HIGH`, given as the bits of doubles:
/// `#[metric(histogram(0.0, 1.0, 20))]`.
#[derive(Debug)]
pub struct FixedHistogram<const LOW: u64, const HIGH: u64, const BINS: usize>;

impl Reduction for AutoHistogram {
    type Value = Histogram;
    const NAME: &'static str = "histogram";

    fn from_values(leaf: &LeafValues) -> Result<State> {
        from_values(leaf, &growing_edges())
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        merge(earlier, later)
    }

    fn finish(state: &HostState) -> Histogram {
        let mut histogram = finish(state, growing_edges());
        let counts = &histogram.counts;
        let used = |index: &usize| counts[*index] > 0.0;
        let (first, last) = ((0..counts.len()).find(used), (0..counts.len()).rfind(used));
        (histogram.edges, histogram.counts) = match (first, last) {
            (Some(first), Some(last)) => (histogram.edges[first..=last + 1].to_vec(), counts[first..=last].to_vec()),
            _ => Default::default(),
        };
        histogram
    }
}

impl<const LOW: u64, const HIGH: u64, const BINS: usize> FixedHistogram<LOW, HIGH, BINS> {
    fn edges() -> Vec<f64> {
        let (low, high) = (f64::from_bits(LOW), f64::from_bits(HIGH));
        let edge = |index: usize| {
            let step = (high - low) * index as f64 / BINS as f64;
            let share = index as f64 / BINS as f64;
            // The range, or a multiple of it, may overflow.
            if step.is_finite() { low + step } else { low * (1.0 - share) + high * share }
        };
        (0..BINS).map(edge).chain([high]).collect()
    }
}

impl<const LOW: u64, const HIGH: u64, const BINS: usize> Reduction for FixedHistogram<LOW, HIGH, BINS> {
    type Value = Histogram;
    const NAME: &'static str = "histogram";
    const PARAMETERS: &'static [f64] = &[f64::from_bits(LOW), f64::from_bits(HIGH), BINS as f64];

    fn from_values(leaf: &LeafValues) -> Result<State> {
        from_values(leaf, &Self::edges())
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        merge(earlier, later)
    }

    fn finish(state: &HostState) -> Histogram {
        finish(state, Self::edges())
    }
}

/// Returns the edges of TensorBoard's default buckets.
fn growing_edges() -> Vec<f64> {
    let mut positive = Vec::new();
    let mut edge = 1e-12;
    while edge < 1e20 {
        positive.push(edge);
        edge *= 1.1;
    }
    positive.push(f64::MAX);
    let negative = positive.iter().rev().map(|edge| -edge);
    negative.chain([0.0]).chain(positive.iter().copied()).collect()
}

fn from_values(leaf: &LeafValues, edges: &[f64]) -> Result<State> {
    let (values, weights) = leaf.flat()?;
    let buckets = i64::try_from(edges.len()).map_err(Error::custom)? - 1;
    let inner = transfers::upload(&edges[1..edges.len() - 1], values.device())?;
    let index = values.f_bucketize(&inner, false, true)?;
    let zeros = Tensor::f_zeros([buckets], (Kind::Double, values.device()))?;
    // NaN belongs to no bucket.
    let counted = weights.try_masked_fill(&values.f_isnan()?, 0.0)?;
    let counts = zeros.f_index_add(0, &index.try_clamp_max(buckets - 1)?, &counted)?;
    let weighted = values.f_mul(&weights)?;
    let sums = [weighted.f_sum(Kind::Double)?, weighted.f_mul(&values)?.f_sum(Kind::Double)?];
    let least = leaf.counted_or(f64::INFINITY)?.f_min()?;
    let greatest = leaf.counted_or(f64::NEG_INFINITY)?.f_max()?;
    // The maximum is negated so that both merge by their minimum.
    let extremes = [least, greatest.f_neg()?];
    Ok(State::new([counts, Tensor::f_stack(&sums, 0)?, Tensor::f_stack(&extremes, 0)?]))
}

fn merge(earlier: &State, later: &State) -> Result<State> {
    let (one, other) = (earlier.parts(), later.parts());
    Ok(State::new([one[0].f_add(&other[0])?, one[1].f_add(&other[1])?, one[2].f_minimum(&other[2])?]))
}

fn finish(state: &HostState, edges: Vec<f64>) -> Histogram {
    let [counts, sums, extremes] = state.parts() else { return Histogram::default() };
    let number = |part: &Vec<f64>, index: usize| part.get(index).copied().unwrap_or(f64::NAN);
    let (min, max) = (number(extremes, 0), -number(extremes, 1));
    // Without values, the minimum is infinity and the maximum negative infinity.
    let (min, max) = if min > max { (f64::NAN, f64::NAN) } else { (min, max) };
    Histogram { edges, counts: counts.clone(), min, max, sum: number(sums, 0), sum_squares: number(sums, 1) }
}
