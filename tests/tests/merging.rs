//! Merging is associative, for finite and non-finite values.

use booster::prelude::*;
use booster::tch::Tensor;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    #[metric(mean, count)]
    nll: Tensor,
    #[group = "loss"]
    #[metric(max)]
    greatest: Tensor,
}

fn worker(policy: NonFinite, values: &[f64], is_reduced: bool) -> booster::Result<Aggregator<Measured>> {
    let mut aggregator = Aggregator::new().non_finite(policy);
    if !values.is_empty() {
        aggregator.update(&Measured { nll: Tensor::from_slice(values), greatest: Tensor::from_slice(values) })?;
    }
    if is_reduced && !values.is_empty() && policy != NonFinite::Error {
        aggregator.summary()?;
    }
    Ok(aggregator)
}

/// Returns the summary's text, or its error.
fn said(mut aggregator: Aggregator<Measured>) -> String {
    match aggregator.summary_and_report() {
        Ok((summary, reports)) => format!("{summary}\n{reports:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn values_are_treated_by_the_policy_of_who_was_given_them() -> Outcome {
    for is_reduced in [false, true] {
        for mine in [&[][..], &[1.0]] {
            let mut merged = worker(NonFinite::Propagate, mine, is_reduced)?;
            merged.merge(worker(NonFinite::Skip, &[1.0, f64::NAN], is_reduced)?)?;
            let (summary, reports) = merged.summary_and_report()?;
            assert_eq!((summary.loss.nll, summary.loss.greatest), (1.0, 1.0), "{is_reduced} {mine:?}");
            assert_eq!((reports[0].update, reports[0].skipped), (mine.len() as u64, 1));
            // Its own policy is unchanged.
            merged.update(&Measured { nll: Tensor::from(f64::NAN), greatest: Tensor::from(2.0) }).unwrap_err();
            let nan = Tensor::from_slice(&[f64::NAN]);
            merged.update(&Measured { nll: nan.shallow_clone(), greatest: nan })?;
            assert!(merged.summary()?.loss.nll.is_nan());
        }
    }
    Ok(())
}

#[test]
fn a_policy_set_later_is_for_later_values() -> Outcome {
    let nan = || Measured { nll: Tensor::from_slice(&[1.0, f64::NAN]), greatest: Tensor::from_slice(&[1.0, f64::NAN]) };
    for is_reduced in [false, true] {
        let mut aggregator = worker(NonFinite::Skip, &[1.0, f64::NAN], is_reduced)?.non_finite(NonFinite::Propagate);
        assert_eq!(aggregator.summary()?.loss.greatest, 1.0);
        let mut aggregator = worker(NonFinite::Propagate, &[1.0], is_reduced)?.non_finite(NonFinite::Skip);
        aggregator.update(&nan())?;
        let mut aggregator = aggregator.non_finite(NonFinite::Propagate);
        aggregator.update(&Measured { nll: Tensor::from_slice(&[4.0]), greatest: Tensor::from_slice(&[4.0]) })?;
        let loss = aggregator.summary()?.loss;
        assert_eq!((loss.nll, loss.greatest), (2.0, 4.0));
    }
    Ok(())
}

#[test]
fn merging_is_associative() -> Outcome {
    let policies = [NonFinite::Propagate, NonFinite::Skip, NonFinite::Error];
    let values: [&[f64]; 3] = [&[], &[1.0], &[f64::NAN, 2.0]];
    let workers = || policies.iter().flat_map(|&policy| values.iter().map(move |&values| (policy, values)));
    for first in workers() {
        for second in workers() {
            for third in workers() {
                for is_reduced in [false, true] {
                    let make = |(policy, values): (NonFinite, &[f64])| worker(policy, values, is_reduced);
                    let (mut left, mut right) = (make(first)?, make(second)?);
                    left.merge(make(second)?)?;
                    left.merge(make(third)?)?;
                    right.merge(make(third)?)?;
                    let mut whole = make(first)?;
                    whole.merge(right)?;
                    assert_eq!(said(left), said(whole), "{first:?} {second:?} {third:?}");
                }
            }
        }
    }
    Ok(())
}
