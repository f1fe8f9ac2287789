//! Summaries and aggregators through JSON: round trips and errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use booster::diagnostic::{Array, Histogram, HostState, LeafValues, Reduction, SavedAggregator, State, Value};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};
use proptest::prelude::*;
use serde_json::json;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct All {
    #[group = "loss"]
    nll: f64,
    #[group = "loss"]
    maybe: Option<f64>,
    #[group = "metrics"]
    #[metric(mean_dims)]
    per_class: Weighted,
    #[group = "metrics"]
    #[metric(histogram)]
    spread: Tensor,
    #[group = "metrics"]
    #[metric(mean_dims)]
    maybe_per_class: Option<Tensor>,
}

/// Generates a number of any bits, except for the sign and payload of NaN, which text does not preserve.
fn number() -> impl Strategy<Value = f64> {
    let any = any::<u64>().prop_map(f64::from_bits);
    let ends = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, 0.1 + 0.2];
    prop_oneof![any, proptest::sample::select(ends.to_vec())].prop_map(|x| if x.is_nan() { f64::NAN } else { x })
}

fn array() -> impl Strategy<Value = Array> {
    let of = |shape: Vec<i64>| {
        let count = shape.iter().product::<i64>() as usize;
        proptest::collection::vec(number(), count).prop_map(move |data| Array { shape: shape.clone(), data })
    };
    prop_oneof![of(vec![3]), of(vec![2, 2]), of(vec![]), of(vec![0]), Just(Array::default())]
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let numbers = proptest::collection::vec(number(), 4);
    (0..4usize, proptest::collection::vec(number(), 5), proptest::collection::vec(number(), 4), numbers).prop_map(
        |(count, edges, counts, rest)| Histogram {
            edges: edges[..=count].to_vec(),
            counts: counts[..count].to_vec(),
            min: rest[0],
            max: rest[1],
            sum: rest[2],
            sum_squares: rest[3],
        },
    )
}

/// The `Debug` form distinguishes -0 from 0, NaN from `None`, and every digit.
fn comes_back<T: serde::Serialize + serde::de::DeserializeOwned + std::fmt::Debug>(value: &T) -> Result<(), String> {
    let json = serde_json::to_string(value).map_err(|error| error.to_string())?;
    let back = serde_json::from_str::<T>(&json).map_err(|error| format!("{error}: {json}"))?;
    if format!("{back:?}") == format!("{value:?}") { Ok(()) } else { Err(format!("{value:?} came back as {back:?}")) }
}

proptest! {
    #[test]
    fn every_summary_comes_back_from_json_bit_for_bit(
        nll in number(),
        maybe in proptest::option::of(number()),
        per_class in array(),
        spread in histogram(),
        maybe_per_class in proptest::option::of(array()),
    ) {
        let summary = AllSummary {
            loss: AllSummaryLoss { nll, maybe },
            metrics: AllSummaryMetrics { per_class, spread, maybe_per_class },
        };
        prop_assert_eq!(comes_back(&summary), Ok(()));
        for entry in summary.values() {
            prop_assert_eq!(comes_back(&entry.value), Ok(()));
        }
    }
}

fn all(values: &[f64], with: bool) -> All {
    let tensor = Tensor::from_slice(values).view([-1, 2]);
    All {
        nll: values[0],
        maybe: with.then_some(values[1]),
        per_class: Weighted::new(tensor.shallow_clone(), tensor.isfinite()),
        spread: tensor.shallow_clone(),
        maybe_per_class: with.then_some(tensor),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_aggregator_comes_back_from_json_bit_for_bit(
        batches in proptest::collection::vec((proptest::collection::vec(number(), 4), any::<bool>()), 0..5),
    ) {
        let mut aggregator = Aggregator::<All>::new();
        for (values, with) in &batches {
            aggregator.update(&all(values, *with)).map_err(|error| TestCaseError::fail(error.to_string()))?;
        }
        let saved = aggregator.save().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(comes_back(&saved), Ok(()));
        let mut loaded = Aggregator::<All>::load(&saved).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let again = loaded.save().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(again, saved);
    }
}

#[test]
fn nan_and_what_is_absent_are_told_apart() -> Outcome {
    let of = |maybe| AllSummary {
        loss: AllSummaryLoss { nll: f64::NAN, maybe },
        metrics: AllSummaryMetrics {
            per_class: Array { shape: vec![2], data: vec![1.0, f64::NAN] },
            spread: Histogram { min: f64::INFINITY, max: f64::NEG_INFINITY, ..Histogram::default() },
            maybe_per_class: None,
        },
    };
    let json = serde_json::to_value(of(Some(f64::NAN)))?;
    assert_eq!(json["loss"], json!({"nll": null, "maybe": "NaN"}));
    assert_eq!(json["metrics"]["per_class"], json!({"shape": [2], "data": [1.0, null]}));
    assert_eq!((&json["metrics"]["spread"]["min"], &json["metrics"]["spread"]["max"]), (&json!("inf"), &json!("-inf")));
    assert_eq!(serde_json::to_value(of(None))?["loss"], json!({"nll": null, "maybe": null}));
    Ok(())
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    for (json, expected) in [
        (r#"{"shape": [2, 3], "data": [1]}"#, "expected an array of shape [2, 3], found 1 numbers"),
        (r#"{"shape": [-1], "data": [1]}"#, "expected an array of shape [-1], found 1 numbers"),
        (r#"{"shape": [9223372036854775807, 9], "data": []}"#, "found 0 numbers"),
        (
            r#"{"edges": [0], "counts": [1], "min": 0, "max": 0, "sum": 0, "sum_squares": 0}"#,
            "expected one more edge than counts, found 1 edges and 1 counts",
        ),
        (r#"{"shape": [1], "data": ["infinite"]}"#, "did not match any variant"),
    ] {
        let error = serde_json::from_str::<Value>(json).expect_err(json).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

macro_rules! reduction {
    ($module:ident, $parts:expr, $length:expr) => {
        mod $module {
            use super::*;

            pub(crate) struct Mine;

            impl Reduction for Mine {
                type Value = f64;
                const NAME: &'static str = "mine";

                fn from_values(leaf: &LeafValues) -> booster::Result<State> {
                    let sum = leaf.values()?.sum(Kind::Double).view([1]).repeat([$length]);
                    Ok(State::new((0..$parts).map(|_| sum.shallow_clone()).collect::<Vec<_>>()))
                }

                fn merge(earlier: &State, later: &State) -> booster::Result<State> {
                    let sum = |index: usize| &earlier.parts()[index] + &later.parts()[index];
                    Ok(State::new((0..$parts).map(sum).collect::<Vec<_>>()))
                }

                fn finish(state: &HostState) -> f64 {
                    state.parts()[$parts - 1][$length - 1]
                }
            }

            #[derive(Diagnostic)]
            pub(crate) struct Measured {
                #[group = "x"]
                #[metric(reduce = Mine)]
                pub(crate) x: f64,
            }
        }
    };
}
reduction!(before, 1, 1);
reduction!(of_two_parts, 2, 1);
reduction!(of_longer_parts, 1, 3);

#[test]
fn a_reduction_whose_state_has_another_form_by_now_is_refused() -> Outcome {
    let mut aggregator = Aggregator::new();
    aggregator.update(&before::Measured { x: 1.0 })?;
    let saved = aggregator.save()?;
    assert_eq!(Aggregator::<before::Measured>::load(&saved)?.summary()?.x.x, 1.0);
    let start = "the saved aggregator has a different schema: x/x (mine): expected a state with parts of lengths";
    let error = Aggregator::<of_two_parts::Measured>::load(&saved).expect_err("two parts").to_string();
    assert_eq!(error, format!("{start} [1, 1] and dims [], found a state with parts of lengths [1] and dims []"));
    let error = Aggregator::<of_longer_parts::Measured>::load(&saved).expect_err("longer").to_string();
    assert_eq!(error, format!("{start} [3] and dims [], found a state with parts of lengths [1] and dims []"));
    Ok(())
}

#[test]
fn what_was_saved_in_another_form_is_refused() -> Outcome {
    let mut aggregator = Aggregator::new();
    aggregator.update(&before::Measured { x: 1.0 })?;
    let json = serde_json::to_value(aggregator.save()?)?;
    for (field, value, expected) in [
        ("version", json!(2), "expected format version 1, found 2"),
        ("updates", json!(0), "expected no values without updates"),
        ("updates", json!(u64::MAX), "expected at most 9007199254740992 updates"),
        ("schema_hash", json!(1), "the optional or sample-count fields differ"),
    ] {
        let mut json = json.clone();
        json[field] = value;
        let error = Aggregator::<before::Measured>::load(&serde_json::from_value(json)?).expect_err(field).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut without = json;
    without.as_object_mut().ok_or("an object")?.remove("version");
    let error = Aggregator::<before::Measured>::load(&serde_json::from_value(without)?).expect_err("none").to_string();
    assert!(error.contains("found 0"), "{error}");
    Ok(())
}

#[derive(Diagnostic)]
struct EveryState {
    #[group = "a"]
    #[metric(mean, sum, count, min, max, last, ema(0.5), std, p95, histogram(0, 1, 2))]
    samples: Tensor,
    #[group = "a"]
    #[metric(mean_dims)]
    dims: Tensor,
    #[group = "a"]
    weighted: Weighted,
    #[group = "a"]
    ratio: Ratio,
    #[group = "a"]
    absent: Option<f64>,
}

fn every_state() -> EveryState {
    let samples = Tensor::from_slice(&[0.5, f64::NAN, 0.25]);
    EveryState {
        dims: Tensor::ones([3, 2], (Kind::Float, Device::Cpu)),
        weighted: Weighted::new(samples.shallow_clone(), samples.ones_like()),
        ratio: Ratio::new(samples.shallow_clone(), samples.ones_like()),
        samples,
        absent: None,
    }
}

/// The places of a JSON value, those of its parts included.
fn places(value: &serde_json::Value, path: &str, places: &mut Vec<String>) {
    places.push(path.to_owned());
    match value {
        serde_json::Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                self::places(value, &format!("{path}/{index}"), places);
            }
        }
        serde_json::Value::Object(values) => {
            for (name, value) in values {
                self::places(value, &format!("{path}/{name}"), places);
            }
        }
        _ => {}
    }
}

#[test]
fn no_damage_to_a_saved_aggregator_is_a_panic() -> Outcome {
    let mut aggregator = Aggregator::new();
    aggregator.update(&every_state())?;
    aggregator.update(&every_state())?;
    let whole = serde_json::to_value(aggregator.save()?)?;
    let mut places = Vec::new();
    self::places(&whole, "", &mut places);
    assert!(places.len() > 100, "{places:?}");
    let damages = [
        json!(null),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(f64::NAN.to_bits()),
        json!(1.5),
        json!("Ratios"),
        json!([]),
        json!([0]),
        json!([-1, i64::MAX]),
        json!([[], [0, 0, 0]]),
        json!({}),
        json!({"Samples": [1i64 << 40]}),
        json!({"Weighted": [[3], null]}),
    ];
    let mut loaded = 0;
    for place in &places {
        for damage in &damages {
            let mut json = whole.clone();
            *json.pointer_mut(place).ok_or("a place")? = damage.clone();
            let used = catch_unwind(AssertUnwindSafe(|| -> Outcome {
                let saved = serde_json::from_value::<SavedAggregator>(json)?;
                let mut aggregator = Aggregator::<EveryState>::load(&saved)?;
                loaded += 1;
                let _ = aggregator.summary();
                let _ = aggregator.update(&every_state());
                let mut whole = Aggregator::new();
                whole.update(&every_state())?;
                let _ = whole.merge(aggregator);
                let _ = whole.summary_and_report().map(|(summary, _)| summary.to_string());
                Ok(())
            }));
            assert!(used.is_ok(), "{place} as {damage}");
        }
    }
    assert!(loaded > 100, "a state of other numbers of the same form is loaded: {loaded}");
    Ok(())
}
