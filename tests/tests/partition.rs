//! The law of aggregation: however the same samples are cut, the summary is the one of a single pass.

use booster::prelude::*;
use booster::tch::{Kind, Tensor};
use proptest::prelude::*;

/// Every reduction over every way to be weighted.
#[derive(Diagnostic)]
struct Everything {
    #[group = "sample"]
    mean: Tensor,
    #[group = "sample"]
    #[metric(sum)]
    sum: Tensor,
    #[group = "sample"]
    #[metric(min)]
    min: Tensor,
    #[group = "sample"]
    #[metric(max)]
    max: Tensor,
    #[group = "sample"]
    #[metric(last)]
    last: Tensor,
    #[group = "batch"]
    batch_mean: Tensor,
    #[group = "batch"]
    batch_number: f64,
    #[group = "batch"]
    #[metric(sum)]
    batch_size: i64,
    #[group = "own"]
    ratio: Ratio,
    #[group = "own"]
    masked: Weighted,
    #[group = "own"]
    #[metric(sum)]
    masked_sum: Weighted,
    #[group = "own"]
    #[metric(max)]
    masked_max: Weighted,
    #[group = "own"]
    #[metric(last)]
    masked_last: Weighted,
}

#[derive(Clone, Debug)]
struct Sample {
    value: Vec<f64>,
    weight: f64,
}

fn diagnostics(samples: &[Sample], kind: Kind) -> booster::Result<Everything> {
    let rows = samples.iter().map(|sample| Tensor::from_slice(&sample.value)).collect::<Vec<_>>();
    let values = Tensor::f_stack(&rows, 0)?.f_to_kind(kind)?;
    let weights = Tensor::from_slice(&samples.iter().map(|sample| sample.weight).collect::<Vec<_>>());
    let value = || values.shallow_clone();
    // What counts nothing may be anything.
    let anything = if kind == Kind::Int64 { 1e6 } else { f64::NAN };
    let hidden = values.f_masked_fill(&weights.f_eq(0)?.f_unsqueeze(-1)?, anything)?;
    let weighted = || Weighted::new(hidden.shallow_clone(), weights.shallow_clone());
    let batch_mean = values.f_mean(Kind::Double)?;
    Ok(Everything {
        mean: value(),
        sum: value(),
        min: value(),
        max: value(),
        last: value(),
        batch_number: batch_mean.f_double_value(&[])?,
        batch_mean,
        batch_size: i64::try_from(samples.len()).map_err(booster::Error::custom)?,
        ratio: Ratio::new(values.f_select(1, 0)?, weights.f_abs()?),
        masked: weighted(),
        masked_sum: weighted(),
        masked_max: weighted(),
        masked_last: weighted(),
    })
}

/// Cuts samples at the given places, aggregates the parts in two aggregators and merges them.
fn in_parts(samples: &[Sample], cuts: &[usize], split: usize, kind: Kind) -> booster::Result<Aggregator<Everything>> {
    let mut bounds = cuts.iter().map(|cut| cut % (samples.len() + 1)).collect::<Vec<_>>();
    bounds.extend([0, samples.len()]);
    bounds.sort_unstable();
    bounds.dedup();
    let mut aggregators = [Aggregator::new(), Aggregator::new()];
    for (part, bounds) in bounds.windows(2).enumerate() {
        let into = usize::from(part >= split);
        aggregators[into].update(&diagnostics(&samples[bounds[0]..bounds[1]], kind)?)?;
    }
    let [mut first, second] = aggregators;
    first.merge(second)?;
    Ok(first)
}

fn samples() -> impl Strategy<Value = Vec<Sample>> {
    (1..4usize).prop_flat_map(|dims| {
        let value = prop::collection::vec(-100.0..100.0f64, dims);
        let weight = prop_oneof![Just(0.0), 0.1..3.0f64];
        prop::collection::vec((value, weight).prop_map(|(value, weight)| Sample { value, weight }), 1..40)
    })
}

/// The tolerance: kinds of less than double precision round the values before they are aggregated, alike in each
/// partition, except for means that the test itself takes in another order (`batch_mean`).
fn assert_same(one: &EverythingSummary, other: &EverythingSummary) -> Result<(), TestCaseError> {
    for (left, right) in one.iter().zip(other.iter()) {
        let scale = left.2.abs().max(1.0);
        let both_nan = left.2.is_nan() && right.2.is_nan();
        let same = both_nan || left.2.total_cmp(&right.2).is_eq() || (left.2 - right.2).abs() <= 1e-9 * scale;
        prop_assert!(same, "{}/{}: {} and {}", left.0, left.1, left.2, right.2);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_partition_changes_the_summary(
        samples in samples(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        split in 0..9usize,
        kind in prop::sample::select(vec![Kind::Double, Kind::Float, Kind::Half, Kind::BFloat16, Kind::Int64]),
    ) {
        let mut whole = Aggregator::new();
        whole.update(&diagnostics(&samples, kind).expect("valid"))?;
        let mut parts = in_parts(&samples, &cuts, split, kind).expect("valid");
        assert_same(&whole.summary()?, &parts.summary()?)?;
    }

    #[test]
    fn no_order_changes_the_summary_but_for_the_last(
        mut samples in samples(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
        rotation in any::<usize>(),
    ) {
        let mut forward = in_parts(&samples, &cuts, 3, Kind::Double).expect("valid");
        let middle = rotation % samples.len();
        samples.rotate_left(middle);
        samples.reverse();
        let mut backward = in_parts(&samples, &cuts, 1, Kind::Double).expect("valid");
        let (mut one, mut other) = (forward.summary()?, backward.summary()?);
        for summary in [&mut one, &mut other] {
            summary.sample.last = 0.0;
            summary.own.masked_last = 0.0;
        }
        assert_same(&one, &other)?;
    }

    #[test]
    fn shards_gathered_are_the_whole(
        samples in samples(),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let mut bounds = cuts.iter().map(|cut| cut % (samples.len() + 1)).collect::<Vec<_>>();
        bounds.extend([0, samples.len()]);
        bounds.sort_unstable();
        bounds.dedup();
        let shards = bounds.windows(2).map(|bounds| diagnostics(&samples[bounds[0]..bounds[1]], Kind::Double));
        let gathered = Everything::gather(shards.collect::<booster::Result<_>>()?)?;
        prop_assert_eq!(gathered.batch_size, i64::try_from(samples.len())?);
        let whole = diagnostics(&samples, Kind::Double)?;
        assert_same(&whole.summary()?, &gathered.summary()?)?;
    }
}

#[test]
fn the_mean_is_the_closed_form() -> booster::Result<()> {
    let samples = (1..=1000).map(|index| Sample { value: vec![f64::from(index)], weight: f64::from(index % 3) });
    let samples = samples.collect::<Vec<_>>();
    let summary = in_parts(&samples, &[1, 500, 501, 900], 2, Kind::Double)?.summary()?;
    assert_eq!((summary.sample.mean, summary.sample.sum), (500.5, 500_500.0));
    assert_eq!((summary.sample.min, summary.sample.max, summary.sample.last), (1.0, 1000.0, 1000.0));
    // Weights 1, 2, 0 in turn: the sum over i = 1 mod 3 is 334 * 500.5, that over i = 2 mod 3 is 333 * 500.
    let (weighted, weights) = (167_167.0 + 2.0 * 166_500.0, 334.0 + 2.0 * 333.0);
    assert_eq!((summary.own.masked, summary.own.masked_sum), (weighted / weights, weighted));
    Ok(())
}
