//! Every reduction of every form of leaf under every policy, against plain loops: in one pass, split, merged and
//! gathered.

use booster::diagnostic::{Summary, SummaryEntry, Value};
use booster::prelude::*;
use booster::tch::{Kind, Tensor};

const WIDTH: usize = 2;
const DECAY: f64 = 0.9;

macro_rules! measured {
    ($($group:literal $field:ident: $ty:ty;)+) => {
        #[derive(Debug, Diagnostic)]
        struct Measured {
            #[group = "info"]
            #[metric(samples)]
            samples: i64,
            $(
                #[group = $group]
                #[metric(mean, sum, min, max, last, count, std, var, p50, ema(0.9), histogram(-2, 2, 4), mean_dims)]
                $field: $ty,
            )+
            #[group = "ratio"]
            #[metric(mean, sum, count)]
            ratio: Ratio,
        }
    };
}

measured! {
    "flat" flat: Tensor;
    "wide" wide: Tensor;
    "flat_weighted" flat_weighted: Weighted;
    "row_weighted" row_weighted: Weighted;
    "entry_weighted" entry_weighted: Weighted;
    "scalar" scalar: Tensor;
    "number" number: f64;
    "optional" optional: Option<Tensor>;
}

/// A sample or batch-level value: its entries with their weights, and the number of entries per given weight.
#[derive(Clone)]
struct Row {
    entries: Vec<(f64, f64)>,
    spread: f64,
    /// Batch-level values are summed once.
    once: bool,
}

#[derive(Clone)]
struct Sample {
    values: [f64; WIDTH],
    weights: [f64; WIDTH],
}

/// A linear congruential generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn value(&mut self, with_non_finite: bool) -> f64 {
        match self.below(if with_non_finite { 12 } else { 9 }) {
            9 => f64::NAN,
            10 => -f64::NAN,
            11 => f64::INFINITY,
            quarter => quarter as f64 * 0.625 - 2.5,
        }
    }

    fn sample(&mut self, with_non_finite: bool) -> Sample {
        let values = [(); WIDTH].map(|()| self.value(with_non_finite));
        Sample { values, weights: [(); WIDTH].map(|()| self.below(3) as f64 * 0.5) }
    }
}

fn tensor(numbers: impl Iterator<Item = f64>, shape: &[i64]) -> Tensor {
    Tensor::from_slice(&numbers.collect::<Vec<_>>()).view(shape)
}

/// Returns the same values in another kind that represents them exactly, and in another layout.
fn formed(tensor: &Tensor, form: u64) -> Tensor {
    let kinds = [Kind::Double, Kind::Float, Kind::Half, Kind::BFloat16];
    let tensor = tensor.to_kind(kinds[(form % 4) as usize]);
    match form / 4 {
        0 => tensor,
        // Every other entry of a larger tensor.
        1 => Tensor::stack(&[&tensor, &tensor.full_like(7.0)], -1).select(-1, 0),
        _ if tensor.dim() == 2 => tensor.transpose(0, 1).contiguous().transpose(0, 1),
        _ => tensor.flip([0]).flip([0]),
    }
}

/// The diagnostics of a batch; `level` is its batch-level value. Their forms come from the values, so that they change.
fn measured(batch: &[Sample], level: f64) -> Measured {
    measured_as(batch, level, batch.iter().map(|sample| sample.values[0].to_bits() >> 48).sum::<u64>() % 12)
}

fn measured_as(batch: &[Sample], level: f64, form: u64) -> Measured {
    let (rows, width) = (batch.len() as i64, WIDTH as i64);
    let first = || formed(&tensor(batch.iter().map(|sample| sample.values[0]), &[rows]), form);
    let wide = || formed(&tensor(batch.iter().flat_map(|sample| sample.values), &[rows, width]), form);
    let weights = || formed(&tensor(batch.iter().map(|sample| sample.weights[0]), &[rows]), 11 - form);
    let by_entry = tensor(batch.iter().flat_map(|sample| sample.weights), &[rows, width]);
    Measured {
        samples: rows,
        flat: first(),
        wide: wide(),
        flat_weighted: Weighted::new(first(), weights()),
        row_weighted: Weighted::new(wide(), weights()),
        entry_weighted: Weighted::new(wide(), formed(&by_entry, form)),
        scalar: Tensor::from(level).to_kind(if form.is_multiple_of(2) { Kind::Double } else { Kind::Half }),
        number: level,
        optional: is_there(batch).then(first),
        ratio: Ratio::new(wide(), weights() + 0.5),
    }
}

/// Whether the optional field is present.
fn is_there(batch: &[Sample]) -> bool {
    batch.len() % 2 == 1
}

/// The values of a group's field in these batches.
fn rows(group: &str, batches: &[(Vec<Sample>, f64)]) -> Vec<Row> {
    if matches!(group, "scalar" | "number") {
        let row = |(batch, level): &(Vec<Sample>, f64)| Row {
            entries: vec![(*level, batch.len() as f64)],
            spread: 1.0,
            once: true,
        };
        return batches.iter().map(row).collect();
    }
    let row = |Sample { values, weights }: &Sample| {
        let with = |weights: [f64; WIDTH]| values.iter().copied().zip(weights).collect::<Vec<_>>();
        let (entries, spread) = match group {
            "flat" | "optional" => (vec![(values[0], 1.0)], 1.0),
            "wide" => (with([1.0; WIDTH]), WIDTH as f64),
            "flat_weighted" => (vec![(values[0], weights[0])], 1.0),
            "row_weighted" => (with([weights[0]; WIDTH]), WIDTH as f64),
            _ => (with(*weights), 1.0),
        };
        Row { entries, spread, once: false }
    };
    let batches = batches.iter().filter(|(batch, _)| group != "optional" || is_there(batch));
    batches.flat_map(|(batch, _)| batch).map(row).collect()
}

fn ratio(entries: &[(f64, f64)]) -> f64 {
    let counted = entries.iter().filter(|(_, weight)| *weight != 0.0);
    counted.map(|(value, weight)| value * weight).sum::<f64>() / weight(entries)
}

fn weight(entries: &[(f64, f64)]) -> f64 {
    entries.iter().map(|(_, weight)| weight).sum()
}

fn extreme(values: &[f64], of: fn(f64, f64) -> f64) -> f64 {
    let pick = |one: f64, other: f64| if one.is_nan() || other.is_nan() { f64::NAN } else { of(one, other) };
    values.iter().copied().reduce(pick).unwrap_or(f64::NAN)
}

/// Computes a reduction with loops.
fn expected(reduction: &str, rows: &[Row], policy: NonFinite) -> Vec<f64> {
    let mut rows = rows.to_vec();
    if policy == NonFinite::Skip {
        for entry in rows.iter_mut().flat_map(|row| &mut row.entries).filter(|entry| !entry.0.is_finite()) {
            *entry = (0.0, 0.0);
        }
    }
    let entries = rows.iter().flat_map(|row| row.entries.clone()).collect::<Vec<_>>();
    let counted = entries.iter().copied().filter(|(_, weight)| *weight != 0.0).collect::<Vec<_>>();
    let values = counted.iter().map(|(value, _)| *value).collect::<Vec<_>>();
    let variance = || {
        let mean = ratio(&entries);
        let squares = counted.iter().map(|(value, weight)| weight * (value - mean).powi(2)).sum::<f64>();
        squares / weight(&entries)
    };
    vec![match reduction {
        "" => ratio(&entries),
        "sum" => rows.iter().map(|row| if row.once { row.entries[0].0 } else { ratio_sum(&row.entries) }).sum(),
        "min" => extreme(&values, f64::min),
        "max" => extreme(&values, f64::max),
        "last" => rows.iter().rfind(|row| weight(&row.entries) != 0.0).map_or(f64::NAN, |row| ratio(&row.entries)),
        "count" => rows.iter().map(|row| weight(&row.entries) / row.spread).sum(),
        "var" => variance(),
        "std" => variance().sqrt(),
        "p50" => {
            let mut sorted = counted.clone();
            sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
            let mut below = 0.0;
            let found = sorted.iter().find(|(_, weight)| {
                below += weight;
                below >= weight_of(&sorted) / 2.0
            });
            if values.iter().any(|value| value.is_nan()) { f64::NAN } else { found.map_or(f64::NAN, |entry| entry.0) }
        }
        "ema" => {
            let (mut average, mut total) = (0.0, 0.0);
            for row in rows.iter().filter(|row| weight(&row.entries) != 0.0) {
                let times = weight(&row.entries) / row.spread;
                average = average * DECAY.powf(times) + ratio(&row.entries) * (1.0 - DECAY.powf(times));
                total += times;
            }
            average / (1.0 - DECAY.powf(total))
        }
        "histogram" => {
            let mut counts = vec![0.0; 4];
            for (value, weight) in counted.iter().filter(|(value, _)| !value.is_nan()) {
                counts[(value + 2.0).floor().clamp(0.0, 3.0) as usize] += weight;
            }
            return counts;
        }
        "mean_dims" => {
            let columns = 0..rows.first().map_or(0, |row| row.entries.len());
            return columns
                .map(|column| ratio(&rows.iter().map(|row| row.entries[column]).collect::<Vec<_>>()))
                .collect();
        }
        // Fails for a reduction without a reference.
        _ => f64::MAX,
    }]
}

fn ratio_sum(entries: &[(f64, f64)]) -> f64 {
    entries.iter().filter(|(_, weight)| *weight != 0.0).map(|(value, weight)| value * weight).sum()
}

fn weight_of(entries: &[(f64, f64)]) -> f64 {
    weight(entries)
}

#[track_caller]
fn assert_summary(summary: &MeasuredSummary, batches: &[(Vec<Sample>, f64)], policy: NonFinite, with_levels: bool) {
    let mut compared = 0;
    for SummaryEntry { group, name, value, .. } in summary.values() {
        let (group, name) = (group.as_ref(), name.as_ref());
        if matches!(group, "info" | "ratio") || (!with_levels && matches!(group, "scalar" | "number" | "optional")) {
            continue;
        }
        let reduction = name.strip_prefix(group).map_or("", |rest| rest.trim_start_matches('_'));
        let found = match value {
            Value::Scalar(number) => vec![number],
            Value::Array(array) => array.data,
            Value::Histogram(histogram) => histogram.counts,
            _ => Vec::new(),
        };
        compared += 1;
        let rows = rows(group, batches);
        if rows.is_empty() {
            assert_eq!(found, [0.0; 0], "{group}/{name} is absent");
            continue;
        }
        let expected = expected(reduction, &rows, policy);
        assert_eq!(found.len(), expected.len(), "{group}/{name}");
        for (found, expected) in found.iter().zip(&expected) {
            let near = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
            let same = near || found == expected || (found.is_nan() && expected.is_nan());
            assert!(same, "{group}/{name} under {policy:?}: found {found}, expected {expected}");
        }
    }
    assert_eq!(compared, if with_levels { 8 * 12 } else { 5 * 12 });
    assert_ratio(summary, batches, policy);
}

/// The ratio of rows of values to one further number each.
fn assert_ratio(summary: &MeasuredSummary, batches: &[(Vec<Sample>, f64)], policy: NonFinite) {
    let (mut above, mut below) = (0.0, 0.0);
    for sample in batches.iter().flat_map(|(batch, _)| batch) {
        let row = sample.values.iter().sum::<f64>();
        if row.is_finite() || policy != NonFinite::Skip {
            (above, below) = (above + row, below + sample.weights[0] + 0.5);
        }
    }
    let found = summary.ratio;
    for (found, expected) in [(found.ratio, above / below), (found.ratio_sum, above), (found.ratio_count, below)] {
        let near = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
        assert!(near || found == expected || (found.is_nan() && expected.is_nan()), "ratio: {found} {expected}");
    }
}

fn batches(random: &mut Random, with_non_finite: bool) -> Vec<(Vec<Sample>, f64)> {
    let batch = |random: &mut Random| {
        let length = 1 + random.below(4);
        ((0..length).map(|_| random.sample(with_non_finite)).collect(), random.value(with_non_finite))
    };
    (0..=random.below(6)).map(|_| batch(random)).collect()
}

/// Each policy, with values that it treats specially without an error in the summary.
const CASES: [(NonFinite, bool); 4] =
    [(NonFinite::Propagate, true), (NonFinite::Propagate, false), (NonFinite::Skip, true), (NonFinite::Error, false)];

#[test]
fn updates_come_to_what_loops_come_to() -> booster::Result<()> {
    let mut random = Random(1);
    for (policy, with_non_finite) in CASES.repeat(25) {
        let batches = batches(&mut random, with_non_finite);
        let mut aggregator = Aggregator::new().non_finite(policy);
        batches.iter().try_for_each(|(batch, level)| aggregator.update(&measured(batch, *level)))?;
        assert_summary(&aggregator.summary()?, &batches, policy, true);
    }
    Ok(())
}

#[test]
fn merged_aggregators_come_to_what_loops_come_to() -> booster::Result<()> {
    let mut random = Random(2);
    for (policy, with_non_finite) in CASES.repeat(25) {
        let batches = batches(&mut random, with_non_finite);
        let new = || Aggregator::<Measured>::new().non_finite(policy);
        let mut parts = vec![new()];
        for (batch, level) in &batches {
            let Some(part) = parts.last_mut() else { break };
            part.update(&measured(batch, *level))?;
            match random.below(4) {
                0 => parts.push(new()),
                1 if policy != NonFinite::Error => drop(part.summary()?),
                2 => *part = Aggregator::load(&part.save()?)?.non_finite(policy),
                _ => {}
            }
        }
        // Merges neighbors in a tree, in any order.
        while parts.len() > 1 {
            let place = random.below(parts.len() as u64 - 1) as usize;
            let later = parts.remove(place + 1);
            parts[place].merge(later)?;
        }
        assert_summary(&parts.remove(0).summary()?, &batches, policy, true);
    }
    Ok(())
}

#[test]
fn gathered_shards_come_to_what_loops_come_to() -> booster::Result<()> {
    let mut random = Random(3);
    for (policy, with_non_finite) in CASES.repeat(25) {
        let batches = batches(&mut random, with_non_finite);
        let mut aggregator = Aggregator::new().non_finite(policy);
        for (batch, level) in &batches {
            let form = random.below(12);
            let shards = batch.chunks(1 + random.below(2) as usize).map(|shard| measured_as(shard, *level, form));
            aggregator.update(&Measured::gather(shards.collect())?)?;
        }
        // Batch-level values equal the common value of their shards, unless their NaNs differ.
        assert_summary(&aggregator.summary()?, &batches, policy, false);
    }
    Ok(())
}
