//! The law of aggregation: the summary does not depend on how samples are split into batches.

use booster::diagnostic::{Histogram, Value};
use booster::prelude::*;
use booster::tch::{Kind, Tensor};
use proptest::prelude::*;

/// Every reduction with every kind of weight.
#[derive(Diagnostic)]
struct Everything {
    #[group = "sample"]
    #[metric(mean, sum, count)]
    sums: Tensor,
    #[group = "sample"]
    #[metric(min, max, std, var, p10, p50, p99, histogram, mean_dims)]
    spread: Tensor,
    #[group = "sample"]
    #[metric(histogram(-50, 50, 7))]
    buckets: Tensor,
    #[group = "ordered"]
    #[metric(last, ema(0.9))]
    series: Tensor,
    #[group = "batch"]
    #[metric(mean, count)]
    batch_mean: Tensor,
    #[group = "batch"]
    batch_number: f64,
    #[group = "batch"]
    #[metric(sum)]
    batch_size: i64,
    #[group = "own"]
    #[metric(mean, sum, count)]
    ratio: Ratio,
    #[group = "own"]
    #[metric(mean, sum, count, min, max, std, var, p10, p50, p99, histogram, mean_dims)]
    masked: Weighted,
    #[group = "ordered"]
    #[metric(last, ema(0.9))]
    masked_series: Weighted,
}

/// Batch-level values whose sample counts are on the device, where they are reduced together.
#[derive(Diagnostic)]
struct Stated {
    #[group = "info"]
    #[metric(samples)]
    samples: Tensor,
    #[group = "loss"]
    #[metric(mean, count)]
    first: Tensor,
    #[group = "loss"]
    #[metric(mean, count)]
    second: Tensor,
    #[group = "loss"]
    number: f64,
}

fn stated(samples: &[Sample]) -> booster::Result<Stated> {
    let mean = samples.iter().map(|sample| sample.value[0]).sum::<f64>() / samples.len() as f64;
    let count = i64::try_from(samples.len()).map_err(booster::Error::custom)?;
    Ok(Stated { samples: count.into(), first: mean.into(), second: (-mean).into(), number: mean })
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
    // Values of weight 0 may be anything.
    let anything = if kind == Kind::Int64 { 1e6 } else { f64::NAN };
    let hidden = values.f_masked_fill(&weights.f_eq(0)?.f_unsqueeze(-1)?, anything)?;
    let weighted = || Weighted::new(hidden.shallow_clone(), weights.shallow_clone());
    let batch_mean = values.f_mean(Kind::Double)?;
    Ok(Everything {
        sums: value(),
        spread: value(),
        buckets: value(),
        series: value(),
        batch_number: batch_mean.f_double_value(&[])?,
        batch_mean,
        batch_size: i64::try_from(samples.len()).map_err(booster::Error::custom)?,
        ratio: Ratio::new(values.f_select(1, 0)?, weights.f_abs()?),
        masked: weighted(),
        masked_series: weighted(),
    })
}

/// The split points, with both ends.
fn bounds(samples: &[Sample], cuts: &[usize]) -> Vec<usize> {
    let mut bounds = cuts.iter().map(|cut| cut % (samples.len() + 1)).collect::<Vec<_>>();
    bounds.extend([0, samples.len()]);
    bounds.sort_unstable();
    bounds.dedup();
    bounds
}

/// Splits samples at the given points, aggregates the parts in two aggregators and merges them.
fn in_parts(samples: &[Sample], cuts: &[usize], split: usize, kind: Kind) -> booster::Result<Aggregator<Everything>> {
    let mut aggregators = [Aggregator::new(), Aggregator::new()];
    for (part, bounds) in bounds(samples, cuts).windows(2).enumerate() {
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

/// The tolerance is 1e-9 of the greatest value for all reductions: values are rounded to their kind before they are
/// aggregated, alike in each partition; all that follows is in double precision, where a few hundred roundings of 1e-16
/// and the cancellation of a variance leave less than that. Extremes, counts and buckets are equal but for that, and
/// quantiles too, since up to 2,048 values their sketch holds them all.
fn assert_same(one: &EverythingSummary, other: &EverythingSummary) -> Result<(), TestCaseError> {
    for (left, right) in one.values().zip(other.values()) {
        let tag = left.tag();
        let (found, expected) = (numbers(left.value), numbers(right.value));
        prop_assert_eq!(found.len(), expected.len(), "{}", tag);
        let scale = expected
            .iter()
            .copied()
            .filter(|number| number.is_finite())
            .fold(1.0, |max: f64, number| max.max(number.abs()));
        for (found, expected) in found.into_iter().zip(expected) {
            let same = found.is_nan() && expected.is_nan() || found.total_cmp(&expected).is_eq();
            prop_assert!(same || (found - expected).abs() <= 1e-9 * scale, "{}: {} and {}", tag, found, expected);
        }
    }
    Ok(())
}

fn numbers(value: Value) -> Vec<f64> {
    match value {
        Value::Scalar(number) => vec![number],
        Value::Array(array) => array.data,
        Value::Histogram(Histogram { edges, counts, min, max, sum, sum_squares }) => {
            [edges, counts, vec![min, max, sum, sum_squares]].concat()
        }
        _ => Vec::new(),
    }
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
        let (one, mut other) = (forward.summary()?, backward.summary()?);
        other.ordered = one.ordered;
        assert_same(&one, &other)?;
    }

    #[test]
    fn samples_counted_on_the_device_weigh_alike(
        samples in samples(),
        cuts in prop::collection::vec(any::<usize>(), 0..8),
    ) {
        let mut whole = Aggregator::new();
        whole.update(&stated(&samples)?)?;
        let mut parts = Aggregator::new();
        for bounds in bounds(&samples, &cuts).windows(2) {
            parts.update(&stated(&samples[bounds[0]..bounds[1]])?)?;
        }
        let (one, other) = (whole.summary()?, parts.summary()?);
        prop_assert_eq!(other.loss.first_count, samples.len() as f64);
        for (left, right) in one.iter().zip(other.iter()) {
            let (found, expected) = (right.value, left.value);
            prop_assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{left:?} {right:?}");
        }
    }

    #[test]
    fn shards_gathered_are_the_whole(
        samples in samples(),
        cuts in prop::collection::vec(any::<usize>(), 0..4),
    ) {
        let bounds = bounds(&samples, &cuts);
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
    assert_eq!((summary.sample.sums, summary.sample.sums_sum), (500.5, 500_500.0));
    assert_eq!((summary.sample.spread, summary.sample.spread_max, summary.ordered.series), (1.0, 1000.0, 1000.0));
    assert_eq!(summary.sample.spread_p50, 500.0);
    assert!((summary.sample.spread_var - (1e6 - 1.0) / 12.0).abs() < 1e-6);
    // Weights 1, 2, 0 in turn: the sum over i = 1 mod 3 is 334 * 500.5, that over i = 2 mod 3 is 333 * 500.
    let (weighted, weights) = (167_167.0 + 2.0 * 166_500.0, 334.0 + 2.0 * 333.0);
    assert_eq!((summary.own.masked, summary.own.masked_sum), (weighted / weights, weighted));
    Ok(())
}
