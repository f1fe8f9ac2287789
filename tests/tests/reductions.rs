//! Each reduction against numpy, by figures from `python/reductions.py`.

use booster::diagnostic::{Array, Histogram, SummaryEntry};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};
use serde_json::Value;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Reduced {
    #[group = "plain"]
    #[metric(mean, sum, min, max, last, count, std, var, p50, p95, p99_9, ema(0.99))]
    value: Tensor,
    #[group = "weighted"]
    #[metric(mean, sum, min, max, last, count, std, var, p50, p95, p99_9)]
    value_by_weight: Weighted,
    #[group = "shaped"]
    #[metric(mean_dims)]
    rows: Tensor,
    #[group = "shaped"]
    #[metric(histogram(0, 5, 20))]
    fixed: Tensor,
    #[group = "shaped"]
    #[metric(histogram)]
    auto: Tensor,
    #[group = "shaped"]
    #[metric(mean_dims)]
    rows_by_weight: Weighted,
    #[group = "shaped"]
    #[metric(histogram(0, 100, 20))]
    fixed_by_weight: Weighted,
}

struct Figures(Value);

impl Figures {
    fn read() -> Result<Self, Box<dyn std::error::Error>> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/figures/reductions.json");
        Ok(Self(serde_json::from_str(&std::fs::read_to_string(path)?)?))
    }

    fn list(&self, name: &str) -> Vec<f64> {
        self.0[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
    }

    fn number(&self, group: &str, name: &str) -> f64 {
        self.0[group][name].as_f64().unwrap_or(f64::NAN)
    }
}

/// Aggregates the values in batches of the given sizes, in turn.
fn aggregate(figures: &Figures, sizes: &[i64]) -> booster::Result<ReducedSummary> {
    let [values, weights, rows] = ["values", "weights", "rows"].map(|name| Tensor::from_slice(&figures.list(name)));
    let rows = rows.view([-1, 3]);
    let mut aggregator = Aggregator::new();
    let (mut start, mut sizes) = (0, sizes.iter().cycle());
    while start < values.size()[0] {
        let length = sizes.next().map_or(1, |&size| size.min(values.size()[0] - start));
        let part = |tensor: &Tensor| tensor.narrow(0, start, length);
        aggregator.update(&Reduced {
            value: part(&values).to_kind(Kind::Float),
            value_by_weight: Weighted::new(part(&values), part(&weights)),
            rows: part(&rows).to_kind(Kind::Float),
            fixed: part(&values),
            auto: part(&values),
            rows_by_weight: Weighted::new(part(&rows), part(&weights)),
            fixed_by_weight: Weighted::new(part(&values), part(&weights)),
        })?;
        start += length;
    }
    aggregator.summary()
}

#[test]
fn reductions_agree_with_numpy_however_the_samples_are_cut() -> Outcome {
    let figures = Figures::read()?;
    for sizes in [&[1000][..], &[64], &[1, 7, 100, 3], &[1]] {
        let summary = aggregate(&figures, sizes)?;
        let mut compared = 0;
        for SummaryEntry { group, name, value: found, .. } in summary.iter() {
            let name = name.trim_start_matches("value").trim_start_matches("_by_weight").trim_start_matches('_');
            let expected = figures.number(&group, if name.is_empty() { "mean" } else { name });
            assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{group}/{name}: {found} {expected}");
            compared += 1;
        }
        assert_eq!(compared, 23);
        let same = |found: &[f64], figure: &str| {
            let expected = figures.list(figure);
            let close = found.iter().zip(&expected).all(|(found, expected)| (found - expected).abs() < 1e-9);
            assert!(found.len() == expected.len() && close, "{figure}: {found:?} {expected:?}");
        };
        let Array { shape, data } = &summary.shaped.rows;
        assert_eq!(shape, &[3]);
        same(data, "mean_dims");
        same(&summary.shaped.rows_by_weight.data, "mean_dims_weighted");
        same(&summary.shaped.fixed_by_weight.counts, "histogram_weighted");
        histograms_agree(&figures, &summary.shaped.fixed, &summary.shaped.auto);
    }
    Ok(())
}

fn histograms_agree(figures: &Figures, fixed: &Histogram, auto: &Histogram) {
    // NumPy drops values above the last edge; booster counts them in the last bucket.
    let mut expected = figures.list("histogram");
    expected[19] += figures.0["above"].as_f64().unwrap_or(f64::NAN);
    assert_eq!(fixed.counts, expected);
    assert_eq!(fixed.edges.len(), 21);
    let (least, greatest) = (figures.number("plain", "min"), figures.number("plain", "max"));
    let squares = figures.0["sum_squares"].as_f64().unwrap_or(f64::NAN);
    for histogram in [fixed, auto] {
        assert_eq!((histogram.count(), histogram.min, histogram.max), (1000.0, least, greatest));
        assert!((histogram.sum - figures.number("plain", "sum")).abs() < 1e-9);
        assert!((histogram.sum_squares - squares).abs() < 1e-9 * squares);
    }
    assert!(auto.edges[0] <= least && auto.edges[auto.edges.len() - 1] >= greatest);
    assert!(auto.counts[0] > 0.0 && auto.counts[auto.counts.len() - 1] > 0.0, "empty buckets at the ends are left out");
}

#[derive(Diagnostic)]
struct Ranked {
    #[group = "rank"]
    #[metric(p50, p1, p95, p99_99)]
    value: Tensor,
}

#[test]
fn quantiles_of_many_values_are_within_the_stated_rank_error() -> Outcome {
    // 1,000,000 values of known ranks, since i * 7919 mod n is a permutation of 0..n.
    let count = 1_000_000_i64;
    let mut aggregators = [Aggregator::new(), Aggregator::new()];
    for start in (0..count).step_by(1000) {
        let values = Tensor::arange_start(start, start + 1000, (Kind::Int64, Device::Cpu));
        let shuffled = (values * 7919).remainder(count);
        let value = shuffled.to_kind(Kind::Double).square();
        aggregators[usize::from(start > 300_000)].update(&Ranked { value })?;
    }
    let [mut whole, other] = aggregators;
    whole.merge(other)?;
    let summary = whole.summary()?.rank;
    // At most log2(n / 2048) levels above the first.
    let bound = 10.0 / 4096.0;
    let found = [summary.value, summary.value_p1, summary.value_p95, summary.value_p99_99];
    for (found, rank) in found.into_iter().zip([0.5, 0.01, 0.95, 0.9999]) {
        let error = (found.sqrt() / count as f64 - rank).abs();
        assert!(error <= bound, "rank {rank}: off by {error}, more than {bound}");
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Drifting {
    #[group = "sum"]
    #[metric(mean, std)]
    on_host: f64,
    #[group = "sum"]
    on_device: Tensor,
}

#[test]
fn ten_million_values_do_not_drift() -> Outcome {
    // 0.1 is not exact in binary: a running sum in single precision is off by 2% at 10^7.
    let value = Tensor::full([1000], 0.1f64, (Kind::Float, Device::Cpu));
    let mut mean = Aggregator::new();
    for _ in 0..10_000 {
        mean.update(&Drifting { on_host: 0.1, on_device: value.shallow_clone() })?;
    }
    let summary = mean.summary()?.sum;
    assert!((summary.on_host - 0.1).abs() < 1e-13, "{:e}", summary.on_host - 0.1);
    assert!((summary.on_device - f64::from(0.1f32)).abs() < 1e-13);
    assert!(summary.on_host_std < 1e-13, "{:e}", summary.on_host_std);
    Ok(())
}
