//! Values that a user-defined reduction cannot reduce.

use booster::diagnostic::{Array, HostState, LeafValues, Reduction, State};
use booster::prelude::*;
use booster::tch::{Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Counts each of three classes, and rejects any other class.
#[derive(Debug)]
pub struct Counts;

impl Reduction for Counts {
    type Value = Array;
    const NAME: &'static str = "counts";

    fn from_values(leaf: &LeafValues) -> booster::Result<State> {
        let cells = leaf.values()?.f_to_kind(Kind::Int64)?;
        let zeros = Tensor::f_zeros([3], (Kind::Double, cells.device()))?;
        Ok(State::new([zeros.f_index_add(0, &cells, &leaf.weights()?)?]))
    }

    fn merge(earlier: &State, later: &State) -> booster::Result<State> {
        Ok(State::new([earlier.parts()[0].f_add(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> Array {
        Array { shape: vec![3], data: state.parts()[0].clone() }
    }
}

#[derive(Diagnostic)]
struct Measured {
    #[group = "metrics"]
    #[metric(reduce = Counts)]
    predicted: Tensor,
    #[group = "loss"]
    nll: f64,
    #[group = "loss"]
    #[metric(max)]
    greatest: Tensor,
}

fn measured(class: i64) -> Measured {
    Measured { predicted: Tensor::from_slice(&[class]), nll: 1.0, greatest: Tensor::from_slice(&[class]) }
}

const BAD: &str = "cannot reduce `metrics/predicted` of update 6 (counted from 1): `counts`: libtorch: ";

#[test]
fn the_value_that_cannot_be_reduced_is_named_and_left_out() -> Outcome {
    let mut aggregator = Aggregator::new();
    let mut errors = Vec::new();
    for update in 0..300 {
        if let Err(error) = aggregator.update(&measured(if update == 5 { 7 } else { 1 })) {
            errors.push((update, error.to_string()));
        }
    }
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, 255, "when the values of 256 updates are reduced");
    assert!(errors[0].1.starts_with(BAD), "{errors:?}");
    // Nothing else is lost: neither the update that reported the error, nor the other fields of the failed one.
    let summary = aggregator.summary()?;
    assert_eq!(summary.metrics.predicted.data, [0.0, 299.0, 0.0]);
    assert_eq!((aggregator.len(), summary.loss.nll, summary.loss.greatest), (300, 1.0, 7.0));
    Ok(())
}

#[test]
fn a_summary_tells_it_once() -> Outcome {
    let mut aggregator = Aggregator::new();
    for update in 0..20 {
        aggregator.update(&measured(if update == 5 || update == 9 { 3 } else { 2 }))?;
    }
    let error = aggregator.summary().expect_err("class 3").to_string();
    let others = "cannot reduce `metrics/predicted` of update 6 (counted from 1) or of 1 later update: ";
    assert!(error.starts_with(others), "{error}");
    assert_eq!(aggregator.summary()?.metrics.predicted.data, [0.0, 0.0, 18.0]);
    aggregator.update(&measured(0))?;
    assert_eq!(aggregator.summary()?.metrics.predicted.data, [1.0, 0.0, 18.0]);
    Ok(())
}

#[test]
fn a_merge_takes_what_can_be_reduced_of_both() -> Outcome {
    let aggregate = |bad: u64| {
        let mut aggregator = Aggregator::new();
        (0..10).try_for_each(|update| aggregator.update(&measured(if update == bad { -4 } else { 1 })))?;
        Ok::<_, booster::Error>(aggregator)
    };
    for (mine, theirs, count) in [(5, 10, 19.0), (10, 5, 19.0), (5, 6, 18.0)] {
        let mut merged = aggregate(mine)?;
        let error = merged.merge(aggregate(theirs)?).expect_err("class -4").to_string();
        assert!(error.starts_with(BAD), "{error}");
        assert_eq!((merged.len(), merged.summary()?.metrics.predicted.data[1]), (20, count));
    }
    let mut empty = Aggregator::new();
    assert!(empty.merge(aggregate(5)?).is_err());
    assert_eq!(empty.summary()?.metrics.predicted.data[1], 9.0);
    Ok(())
}

#[test]
fn a_saved_aggregator_has_what_can_be_reduced() -> Outcome {
    let mut aggregator = Aggregator::new();
    (0..10).try_for_each(|update| aggregator.update(&measured(if update == 5 { 7 } else { 1 })))?;
    assert!(aggregator.save().expect_err("class 7").to_string().starts_with(BAD));
    let mut loaded = Aggregator::<Measured>::load(&aggregator.save()?)?;
    assert_eq!(loaded.summary()?.metrics.predicted.data, [0.0, 9.0, 0.0]);
    Ok(())
}

#[test]
fn a_value_that_is_written_in_place_before_it_is_reduced_is_named_and_left_out() -> Outcome {
    let mut aggregator = Aggregator::new();
    let mut reused = Tensor::from_slice(&[1i64]);
    let of = |predicted: &Tensor| Measured { predicted: predicted.shallow_clone(), ..measured(1) };
    aggregator.update(&measured(0))?;
    aggregator.update(&of(&reused))?;
    let _ = reused.fill_(0);
    let error = aggregator.summary().map(drop).map_err(|error| error.to_string());
    let expected = "cannot reduce `metrics/predicted` of update 2 (counted from 1): its tensor was written in place";
    assert!(error.as_ref().is_err_and(|error| error.starts_with(expected)), "{error:?}");
    assert_eq!(aggregator.summary()?.metrics.predicted.data, [1.0, 0.0, 0.0]);
    // A value that was reduced may be written to.
    aggregator.update(&of(&reused))?;
    aggregator.summary()?;
    let _ = reused.fill_(2);
    assert_eq!(aggregator.summary()?.metrics.predicted.data, [2.0, 0.0, 0.0]);
    Ok(())
}

/// A reduction that panics on a 7.
#[derive(Debug)]
pub struct Panicking;

impl Reduction for Panicking {
    type Value = f64;
    const NAME: &'static str = "panicking";

    fn from_values(leaf: &LeafValues) -> booster::Result<State> {
        let sum = leaf.values()?.f_sum(Kind::Double)?;
        assert!(sum.double_value(&[]) < 7.0, "a 7");
        Ok(State::new([sum.f_reshape([1])?]))
    }

    fn merge(earlier: &State, later: &State) -> booster::Result<State> {
        Ok(State::new([earlier.parts()[0].f_add(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> f64 {
        state.parts()[0][0]
    }
}

#[derive(Diagnostic)]
struct Delicate {
    #[group = "metrics"]
    #[metric(reduce = Panicking)]
    value: f64,
}

#[test]
fn a_reduction_that_panics_is_named_and_its_value_left_out() -> Outcome {
    let mut aggregator = Aggregator::new();
    for value in [1.0, 7.0, 2.0] {
        aggregator.update(&Delicate { value })?;
    }
    let error = aggregator.summary().map(drop).map_err(|error| error.to_string());
    let expected = "cannot reduce `metrics/value` of update 2 (counted from 1): `panicking`: panicked: a 7";
    assert_eq!(error, Err(expected.to_owned()));
    assert_eq!(aggregator.summary()?.metrics.value, 3.0);
    Ok(())
}
