//! NaN and infinity among the values.

use booster::prelude::*;
use booster::tch::Tensor;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    nll: Tensor,
    #[group = "loss"]
    scalar: Tensor,
    #[group = "info"]
    number: f64,
    #[group = "info"]
    #[metric(mean, max)]
    both: Tensor,
    #[group = "info"]
    masked: Weighted,
    #[group = "info"]
    ratio: Ratio,
}

/// Diagnostics with a non-finite value in the field of that name.
fn measured(bad: &str) -> Measured {
    let value = |name: &str, poison: f64| if bad == name { poison } else { 1.0 };
    let pair = |name: &str, poison: f64| Tensor::from_slice(&[3.0, value(name, poison)]);
    Measured {
        nll: pair("nll", f64::NAN),
        scalar: Tensor::from(value("scalar", f64::INFINITY)),
        number: value("number", f64::NAN),
        both: pair("both", f64::NEG_INFINITY),
        masked: Weighted::new(pair("masked", f64::NAN), Tensor::from_slice(&[1.0, 1.0])),
        ratio: Ratio::new(Tensor::from(value("ratio", f64::NAN)), Tensor::from(1.0)),
    }
}

const FIELDS: [(&str, &str); 6] =
    [("loss", "nll"), ("loss", "scalar"), ("info", "number"), ("info", "both"), ("info", "masked"), ("info", "ratio")];

fn aggregate(policy: NonFinite, bad: &str, at: u64, updates: u64) -> booster::Result<Aggregator<Measured>> {
    let mut aggregator = Aggregator::new().non_finite(policy);
    for update in 0..updates {
        aggregator.update(&measured(if update >= at { bad } else { "" }))?;
    }
    Ok(aggregator)
}

#[test]
fn the_report_names_the_first_bad_update_group_and_field() -> Outcome {
    for (group, field) in FIELDS {
        for (at, updates) in [(0, 1), (3, 7), (255, 300), (400, 700)] {
            let (summary, reports) = aggregate(NonFinite::Propagate, field, at, updates)?.summary_and_report()?;
            let found = reports.iter().map(|report| (report.group, report.field, report.update)).collect::<Vec<_>>();
            assert_eq!(found, [(group, field, at)]);
            assert!(!summary.get(group, field).is_some_and(f64::is_finite), "{group}/{field} is passed on");
            let error = aggregate(NonFinite::Error, field, at, updates)?.summary().expect_err("refused");
            let which = format!("update {} (counted from 1)", at + 1);
            assert_eq!(error.to_string(), format!("`{group}/{field}` first became non-finite in {which}"));
        }
    }
    Ok(())
}

#[test]
fn skipped_values_are_left_out_and_counted() -> Outcome {
    for (group, field) in FIELDS {
        let (summary, reports) = aggregate(NonFinite::Skip, field, 5, 8)?.summary_and_report()?;
        assert_eq!((reports.len(), reports[0].skipped), (1, 3), "{group}/{field}");
        assert!(summary.iter().all(|entry| entry.value.is_finite()), "{group}/{field}: {summary}");
    }
    let (summary, _) = aggregate(NonFinite::Skip, "nll", 5, 8)?.summary_and_report()?;
    assert_eq!(summary.loss.nll, (8.0 * 3.0 + 5.0) / 13.0);
    Ok(())
}

#[test]
fn finite_values_are_reported_of_none() -> Outcome {
    for policy in [NonFinite::Propagate, NonFinite::Skip, NonFinite::Error] {
        let (_, reports) = aggregate(policy, "", 0, 300)?.summary_and_report()?;
        assert_eq!(reports, []);
    }
    Ok(())
}

#[test]
fn what_counts_nothing_may_be_anything() -> Outcome {
    let mut aggregator = Aggregator::new().non_finite(NonFinite::Error);
    let mut step = measured("");
    step.masked = Weighted::new(Tensor::from_slice(&[3.0, f64::NAN]), Tensor::from_slice(&[1.0, 0.0]));
    aggregator.update(&step)?;
    assert_eq!(aggregator.summary()?.info.masked, 3.0);
    Ok(())
}

#[test]
fn the_first_of_merged_aggregators_is_counted_on() -> Outcome {
    let mut first = aggregate(NonFinite::Propagate, "", 0, 10)?;
    first.merge(aggregate(NonFinite::Propagate, "nll", 2, 5)?)?;
    let (_, reports) = first.summary_and_report()?;
    assert_eq!(reports[0].update, 12);
    Ok(())
}

#[derive(Diagnostic)]
struct Counted {
    #[group = "info"]
    #[metric(samples)]
    tokens: f64,
    #[group = "info"]
    beta: f64,
    #[group = "info"]
    #[metric(mean, max)]
    with_extreme: f64,
    #[group = "info"]
    #[metric(sum)]
    total: f64,
    #[group = "info"]
    #[metric(sum, max)]
    total_with_extreme: f64,
}

#[test]
fn skipping_a_number_does_not_depend_on_its_other_reductions() -> Outcome {
    let step =
        |tokens, value| Counted { tokens, beta: value, with_extreme: value, total: value, total_with_extreme: value };
    for unknown in [f64::NAN, f64::INFINITY] {
        let mut aggregator = Aggregator::new().non_finite(NonFinite::Skip);
        aggregator.update(&step(unknown, 1.0))?;
        aggregator.update(&step(0.0, f64::NAN))?;
        aggregator.update(&step(2.0, 3.0))?;
        let info = aggregator.summary()?.info;
        assert_eq!((info.beta, info.with_extreme), (3.0, 3.0));
        assert_eq!(info.total, info.total_with_extreme);
        assert_eq!(info.tokens, 2.0);
    }
    Ok(())
}

/// A ratio of rows, batch-level values, and the number of samples that these represent.
#[derive(Diagnostic)]
struct Fraction {
    #[group = "own"]
    #[metric(mean, sum, count)]
    ratio: Ratio,
    #[group = "batch"]
    #[metric(samples)]
    samples: i64,
    #[group = "batch"]
    #[metric(mean, sum)]
    number: f64,
    #[group = "batch"]
    #[metric(mean, sum)]
    scalar: Tensor,
    /// Reduced over concatenated values, not immediately.
    #[group = "batch"]
    #[metric(mean, sum, max)]
    joined: Tensor,
}

fn fraction(above: &[f64], below: &[f64], samples: i64, level: f64) -> Fraction {
    let rows = |values: &[f64]| Tensor::from_slice(values).view([samples.max(1), -1]);
    let ratio = Ratio::new(rows(above), rows(below));
    Fraction { ratio, samples, number: level, scalar: Tensor::from(level), joined: Tensor::from(level) }
}

#[test]
fn a_ratio_leaves_out_the_samples_that_are_not_finite_however_they_are_cut() -> Outcome {
    // Entries of two rows are not finite: one above, one below.
    let above = [1.0, 2.0, f64::NAN, 8.0, 16.0, 32.0];
    let below = [2.0, 2.0, 4.0, 4.0, f64::INFINITY, 5.0];
    for kind in [booster::tch::Kind::Double, booster::tch::Kind::Float, booster::tch::Kind::Half] {
        for bounds in [&[0, 6][..], &[0, 3, 6], &[0, 1, 2, 3, 4, 5, 6], &[0, 4, 5, 6]] {
            let mut aggregator = Aggregator::new().non_finite(NonFinite::Skip);
            let mut shards = Vec::new();
            for bounds in bounds.windows(2) {
                let rows = bounds[0]..bounds[1];
                let part = || {
                    let mut part = fraction(&above[rows.clone()], &below[rows.clone()], rows.len() as i64, 1.0);
                    part.ratio = Ratio::new(part.ratio.numerator.to_kind(kind), part.ratio.denominator.to_kind(kind));
                    part
                };
                aggregator.update(&part())?;
                shards.push(part());
            }
            let mut gathered = Aggregator::new().non_finite(NonFinite::Skip);
            gathered.update(&Fraction::gather(shards)?)?;
            for (mut aggregator, is_gathered) in [(aggregator, false), (gathered, true)] {
                let (summary, reports) = aggregator.summary_and_report()?;
                let own = summary.own;
                assert_eq!(
                    (own.ratio, own.ratio_sum, own.ratio_count),
                    (43.0 / 13.0, 43.0, 13.0),
                    "{kind:?} {bounds:?}"
                );
                assert_eq!((reports.len(), reports[0].skipped), (1, 2), "{kind:?} {bounds:?} {is_gathered}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_row_of_a_ratio_is_left_out_as_a_whole() -> Outcome {
    let mut aggregator = Aggregator::new().non_finite(NonFinite::Skip);
    let nan = f64::NAN;
    let step = |above: &[f64], below: &[f64], samples| fraction(above, below, samples, 0.0);
    aggregator.update(&step(&[1.0, nan, 3.0, 4.0], &[1.0, 2.0], 2))?; // rows (1 + NaN) / 1 and (3 + 4) / 2
    assert_eq!(aggregator.summary()?.own.ratio, 3.5);
    // Without common rows the value is one.
    let mut whole = step(&[1.0], &[1.0], 1);
    whole.ratio = Ratio::new(Tensor::from_slice(&[5.0, nan]), Tensor::from(2.0));
    aggregator.update(&whole)?;
    let (summary, reports) = aggregator.summary_and_report()?;
    assert_eq!((summary.own.ratio, reports[0].skipped), (3.5, 2));
    Ok(())
}

#[test]
fn what_stands_for_no_sample_may_be_anything_in_sums_too() -> Outcome {
    for policy in [NonFinite::Propagate, NonFinite::Skip, NonFinite::Error] {
        let mut aggregator = Aggregator::new().non_finite(policy);
        aggregator.update(&fraction(&[1.0], &[1.0], 1, 2.0))?;
        aggregator.update(&fraction(&[1.0], &[1.0], 0, f64::NAN))?;
        aggregator.update(&fraction(&[1.0], &[1.0], 0, 5.0))?;
        let (summary, reports) = aggregator.summary_and_report()?;
        let batch = summary.batch;
        assert_eq!(reports, [], "{policy:?}");
        assert_eq!((batch.number, batch.scalar, batch.joined), (2.0, 2.0, 2.0), "{policy:?}");
        assert_eq!((batch.number_sum, batch.scalar_sum, batch.joined_sum), (7.0, 7.0, 7.0), "{policy:?}");
        let shards = vec![fraction(&[1.0], &[1.0], 1, 2.0), fraction(&[1.0], &[1.0], 0, f64::NAN)];
        let gathered = Fraction::gather(shards)?.summary()?.batch;
        assert_eq!((gathered.number, gathered.scalar, gathered.joined), (2.0, 2.0, 2.0));
    }
    Ok(())
}
