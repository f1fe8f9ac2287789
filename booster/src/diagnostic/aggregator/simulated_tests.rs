//! Tests of device code on the CPU, which simulates other devices.

use proptest::prelude::*;
use tch::{Device, Kind, Tensor};

use crate::diagnostic::SummaryEntry;
use crate::transfers::simulated::{Simulated, with};
use crate::{Aggregator, NonFinite, Ratio, Summary as _, Weighted};

#[derive(crate::Diagnostic)]
struct Measured {
    #[group = "sample"]
    #[metric(mean, sum, count)]
    sums: Tensor,
    #[group = "sample"]
    #[metric(max, std, p50, last)]
    spread: Tensor,
    #[group = "sample"]
    #[metric(histogram)]
    buckets: Tensor,
    #[group = "batch"]
    #[metric(mean, max)]
    scalar: Tensor,
    #[group = "batch"]
    number: f64,
    #[group = "batch"]
    sometimes: Option<f64>,
    #[group = "own"]
    ratio: Ratio,
    #[group = "own"]
    #[metric(mean, max)]
    masked: Weighted,
    #[group = "batch"]
    #[metric(samples)]
    samples: Tensor,
}

fn measured(values: &[i64], kind: Kind, update: usize) -> Measured {
    let integers = Tensor::from_slice(values);
    let value = || integers.to_kind(kind);
    let mean = integers.mean(Kind::Double);
    let number = values.iter().sum::<i64>() as f64 / values.len() as f64;
    Measured {
        sums: value(),
        spread: value(),
        buckets: value(),
        scalar: mean.to_kind(if kind == Kind::Half { Kind::Float } else { Kind::Double }),
        number,
        sometimes: update.is_multiple_of(3).then_some(number),
        ratio: Ratio::new(value(), integers.ones_like()),
        masked: Weighted::new(value(), integers.remainder(2)),
        samples: Tensor::from(values.len() as i64),
    }
}

type Numbers = Vec<SummaryEntry>;

/// Summarizes batches with two aggregators that are merged.
fn summary(batches: &[Vec<i64>], kinds: &[Kind], policy: NonFinite) -> crate::Result<Numbers> {
    let mut aggregators = [Aggregator::new().non_finite(policy), Aggregator::new().non_finite(policy)];
    for (update, values) in batches.iter().enumerate() {
        let half = usize::from(2 * update > batches.len());
        aggregators[half].update(&measured(values, kinds[update % kinds.len()], update))?;
    }
    let [mut first, second] = aggregators;
    first.merge(second)?;
    Ok(first.summary()?.iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_device_gives_the_summary_of_the_host(
        batches in prop::collection::vec(prop::collection::vec(-60..60i64, 1..5), 1..20),
        kinds in prop::collection::vec(
            prop::sample::select(vec![Kind::Float, Kind::Double, Kind::Half, Kind::Int64, Kind::Int8]),
            1..3,
        ),
        policy in prop::sample::select(vec![NonFinite::Propagate, NonFinite::Skip]),
    ) {
        let of = |cpu| with(cpu, || summary(&batches, &kinds, policy).expect("valid")).0;
        let host = of(Simulated::Host);
        for cpu in [Simulated::Device, Simulated::DeviceWithoutDoubles] {
            for (found, expected) in of(cpu).iter().zip(&host) {
                prop_assert_eq!(found.tag(), expected.tag());
                let (found, expected) = (found.value, expected.value);
                let same = (found - expected).abs() <= 1e-9 * expected.abs().max(1.0);
                prop_assert!(same || found.is_nan() && expected.is_nan(), "{cpu:?}: {found:?} {expected:?}");
            }
        }
    }
}

/// Creates `count` updates with `lengths` different batch sizes.
fn updates(count: usize, lengths: usize) -> Vec<Measured> {
    let update = |index: usize| measured(&vec![3; 1 + index % lengths], Kind::Float, index);
    (0..count).map(update).collect()
}

#[test]
fn updates_send_and_read_nothing_until_they_are_reduced() {
    for cpu in [Simulated::Device, Simulated::DeviceWithoutDoubles] {
        let (_, reads, uploads) = with(cpu, || {
            let mut aggregator = Aggregator::new();
            updates(255, 3).iter().try_for_each(|update| aggregator.update(update)).unwrap();
            aggregator
        });
        assert_eq!((reads, uploads), (0, 0), "{cpu:?}");
    }
}

#[test]
fn what_a_window_sends_does_not_grow_with_its_updates() {
    let sent = |count, lengths| {
        let mut aggregator = Aggregator::new();
        let updates = updates(count, lengths);
        let (_, reads, uploads) = with(Simulated::Device, || {
            updates.iter().try_for_each(|update| aggregator.update(update))?;
            aggregator.reduce_pending()
        });
        assert_eq!(reads, 0);
        uploads
    };
    for lengths in [1, 3] {
        assert_eq!(sent(10, lengths), sent(255, lengths));
        assert_eq!(2 * sent(10, lengths), sent(512, lengths));
        // Four tables of updates (per-sample, batch-level, ratios, optional), two fields of numbers, the histogram's
        // edges.
        assert!(sent(10, lengths) <= 7, "{}", sent(10, lengths));
    }
}

#[test]
fn a_summary_reads_once_for_each_device() {
    let mut aggregator = Aggregator::new();
    let (_, reads, _) = with(Simulated::Device, || {
        updates(700, 3).iter().try_for_each(|update| aggregator.update(update)).unwrap();
        aggregator.summary().unwrap()
    });
    assert_eq!(reads, 1);
}

#[test]
fn a_device_without_doubles_is_read_once_in_a_window() {
    let mut aggregator = Aggregator::new();
    let (_, reads, _) = with(Simulated::DeviceWithoutDoubles, || {
        updates(700, 3).iter().try_for_each(|update| aggregator.update(update)).unwrap();
        aggregator.summary().unwrap()
    });
    // Two full windows, the rest, and the states, which are on the CPU.
    assert_eq!(reads, 3 + 1);
}

#[test]
fn values_meet_on_the_device_that_the_host_would_wait_for() {
    use super::partial::meeting_place;
    let cuda = Device::Cuda(1);
    assert_eq!(meeting_place([Device::Cpu, Device::Cpu].into_iter()), Device::Cpu);
    assert_eq!(meeting_place([Device::Cpu, cuda, Device::Cuda(0)].into_iter()), cuda);
}
