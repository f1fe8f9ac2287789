//! Reductions of ratios do not depend on how samples are split into batches.

use booster::diagnostic::{HostState, LeafValues, RatioReduction, Reduction, State};
use booster::prelude::*;
use booster::tch::{Kind, Tensor};

/// A user-defined reduction: the share of misses.
struct Missed;

impl Reduction for Missed {
    type Value = f64;
    const NAME: &'static str = "missed";

    fn from_values(leaf: &LeafValues) -> booster::Result<State> {
        let (values, weights) = leaf.flat()?;
        let sums = [values.f_mul(&weights)?.f_sum(Kind::Double)?, weights.f_sum(Kind::Double)?];
        Ok(State::new([Tensor::f_stack(&sums, 0)?]))
    }

    fn merge(earlier: &State, later: &State) -> booster::Result<State> {
        Ok(State::new([earlier.parts()[0].f_add(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> f64 {
        1.0 - state.parts()[0][0] / state.parts()[0][1]
    }
}

impl RatioReduction for Missed {}

#[derive(Diagnostic)]
struct Measured {
    #[group = "metrics"]
    #[metric(mean, sum, count, reduce = Missed)]
    accuracy: Ratio,
}

#[test]
fn batches_of_any_size_have_the_ratio_of_the_whole() -> booster::Result<()> {
    let hits = Tensor::from_slice(&[1.0f32, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
    for size in [8, 4, 3, 2, 1] {
        let mut mean = Aggregator::new();
        for start in (0..8).step_by(size as usize) {
            let part = hits.f_narrow(0, start, size.min(8 - start))?;
            mean.update(&Measured { accuracy: Ratio::new(part.shallow_clone(), part.f_ones_like()?) })?;
        }
        let summary = mean.summary()?.metrics;
        let found = [summary.accuracy, summary.accuracy_sum, summary.accuracy_count, summary.accuracy_missed];
        assert_eq!(found, [0.625, 5.0, 8.0, 0.375], "batches of {size}");
    }
    Ok(())
}
