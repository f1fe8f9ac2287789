//! Best values and early stopping.

use booster::evaluation::ClassificationDiagnosticsSummary;
use booster::prelude::*;
use booster::training::BestUpdate;
use proptest::prelude::*;

fn greatest() -> Best<f64> {
    Best::maximize(|value: &f64| *value)
}

fn least() -> Best<f64> {
    Best::minimize(|value: &f64| *value)
}

/// Returns the indices of new best values, and of those at which to stop.
fn followed(mut best: Best<f64>, values: &[f64]) -> (Vec<u64>, Vec<u64>) {
    let (mut bests, mut stops) = (Vec::new(), Vec::new());
    for (step, value) in (0..).zip(values) {
        let BestUpdate { is_best, should_stop } = best.update(value, step);
        bests.extend(is_best.then_some(step));
        stops.extend(should_stop.then_some(step));
    }
    (bests, stops)
}

#[test]
fn a_summary_is_judged_by_a_typed_value() -> Result<(), Box<dyn std::error::Error>> {
    let summary = |accuracy: f64| {
        let json = format!(r#"{{"loss":{{"nll":1.5}},"metrics":{{"accuracy":{accuracy}}}}}"#);
        serde_json::from_str::<ClassificationDiagnosticsSummary>(&json)
    };
    let mut best = Best::maximize(|summary: &ClassificationDiagnosticsSummary| summary.metrics.accuracy);
    assert_eq!(best.to_string(), "no best yet");
    assert!(best.update(&summary(0.5)?, 4).is_best);
    assert!(best.update(&summary(0.9831)?, 12).is_best);
    assert!(!best.update(&summary(0.75)?, 16).is_best);
    assert_eq!(best.to_string(), "best 0.9831 at step 12");
    assert_eq!((best.value(), best.step(), best.since()), (Some(0.9831), Some(12), 1));
    Ok(())
}

#[test]
fn each_direction_takes_its_own_and_an_equal_value_is_no_better() {
    let values = [2.0, 3.0, 1.0, 3.0, 1.0, 4.0];
    assert_eq!(followed(greatest(), &values).0, [0, 1, 5]);
    assert_eq!(followed(least(), &values).0, [0, 2]);
}

#[test]
fn small_gains_add_up_to_the_minimum() -> booster::Result<()> {
    let values = [1.0, 1.25, 1.5, 1.75, 2.0];
    assert_eq!(followed(greatest().minimum_gain(0.5)?, &values).0, [0, 3]);
    let values = values.map(|value| -value);
    assert_eq!(followed(least().minimum_gain(0.5)?, &values).0, [0, 3]);
    for gain in [-0.5, f64::NAN, f64::INFINITY] {
        let error = greatest().minimum_gain(gain).expect_err("no such gain").to_string();
        assert_eq!(error, format!("best: `minimum_gain` must be finite and at least 0, got {gain}"));
    }
    Ok(())
}

#[test]
fn patience_ends_after_as_many_updates_without_a_better_value() {
    let values = [1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(followed(greatest().patience(3), &values).1, [6, 7]);
    assert_eq!(followed(greatest().patience(1), &values).1, [1, 2, 4, 5, 6, 7]);
    assert_eq!(followed(greatest().patience(0), &values), followed(greatest().patience(1), &values));
    assert!(followed(greatest(), &values).1.is_empty(), "without patience it never stops");
}

#[test]
fn nan_and_infinity_are_never_the_best_and_try_the_patience() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for best in [greatest, least] {
        assert_eq!(followed(best().patience(3), &values), (vec![3], vec![2, 6]));
    }
}

#[test]
fn a_state_without_a_finite_best_does_not_hold_up_what_comes() -> serde_json::Result<()> {
    let state = serde_json::from_str(r#"{"best":{"value":"NaN","step":3},"since":2}"#)?;
    let mut best = greatest().with_state(state);
    assert_eq!((best.value(), best.since()), (None, 2));
    assert!(best.update(&0.5, 4).is_best);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_best_is_the_first_of_the_greatest(values in prop::collection::vec(-5..5_i32, 1..40)) {
        let values = values.into_iter().map(f64::from).collect::<Vec<_>>();
        let mut best = greatest();
        for (step, value) in (0..).zip(&values) {
            best.update(value, step);
        }
        let expected = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = values.iter().position(|value| *value == expected).unwrap_or_default();
        prop_assert_eq!((best.value(), best.step()), (Some(expected), Some(first as u64)));
        prop_assert_eq!(best.since() as usize, values.len() - 1 - first);
    }

    #[test]
    fn going_on_from_a_saved_state_judges_as_if_nothing_had_happened(
        values in prop::collection::vec(-1.0..1.0, 1..40), interruption in any::<prop::sample::Index>(),
    ) {
        let new = || least().patience(3);
        let interruption = interruption.index(values.len()) as u64;
        let (mut whole, mut parts) = (new(), new());
        for (step, value) in (0..).zip(&values) {
            if step == interruption {
                parts = new().with_state(serde_json::from_str(&serde_json::to_string(&parts.state())?)?);
            }
            prop_assert_eq!(parts.update(value, step), whole.update(value, step));
        }
        prop_assert_eq!(parts.state(), whole.state());
    }
}
