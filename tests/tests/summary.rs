//! Summaries by field, by name, as a table, and through serde.

use std::time::Duration;

use booster::diagnostic::Value;
use booster::prelude::*;
use booster::tch::Tensor;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Trained {
    #[group = "loss"]
    nll: Tensor,
    #[group = "metrics"]
    accuracy: Tensor,
    #[group = "loss"]
    penalty: f64,
    #[group = "metrics"]
    recall: Option<f64>,
}

fn summary(nll: f32, penalty: f64) -> booster::Result<TrainedSummary> {
    let accuracy = Tensor::from_slice(&[true, false]);
    Trained { nll: Tensor::from_slice(&[nll, nll]), accuracy, penalty, recall: None }.summary()
}

#[test]
fn values_are_found_by_field_by_name_and_in_order() -> Outcome {
    let summary = summary(0.25, 3.0)?;
    assert_eq!((summary.loss.nll, summary.metrics.accuracy, summary.metrics.recall), (0.25, 0.5, None));
    assert_eq!((summary.get("loss", "nll"), summary.get("loss", "accuracy")), (Some(0.25), None));
    let entries = summary.iter().map(|entry| (entry.tag(), entry.value)).collect::<Vec<_>>();
    let expected = [("loss/nll", 0.25), ("metrics/accuracy", 0.5), ("loss/penalty", 3.0)];
    assert_eq!(entries, expected.map(|(tag, value)| (tag.to_owned(), value)));
    let absent = summary.values().find(|entry| entry.name == "recall").ok_or("all values are there")?;
    assert_eq!((absent.group.as_ref(), absent.value), ("metrics", Value::Absent));
    Ok(())
}

#[test]
fn the_table_is_aligned_in_two_levels() -> Outcome {
    let expected = "\
loss     nll           0.2500
         penalty   12345.6789
metrics  accuracy      0.5000
         recall        -";
    assert_eq!(summary(0.25, 12345.6789)?.to_string(), expected);
    Ok(())
}

#[test]
fn a_line_has_each_value_that_is_there_by_its_tag() -> Outcome {
    let line = summary(0.25, 12345.6789)?.line();
    assert_eq!(line, "loss/nll 0.2500  metrics/accuracy 0.5000  loss/penalty 12345.6789");
    Ok(())
}

#[derive(Diagnostic)]
struct Timed {
    #[group = "time"]
    #[metric(mean, max, count, var)]
    elapsed: Duration,
    #[group = "time"]
    waited: Option<Duration>,
    #[group = "time"]
    epochs: f64,
}

#[test]
fn seconds_of_a_duration_have_a_unit_and_counts_and_squares_have_none() -> Outcome {
    let (elapsed, waited) = (Duration::from_micros(220), Some(Duration::from_secs(3)));
    let summary = Timed { elapsed, waited, epochs: 2.0 }.summary()?;
    let expected = "\
time  elapsed        0.2200 ms
      elapsed_max    0.2200 ms
      elapsed_count  1.0000
      elapsed_var    0.0000
      waited         3.0000 s
      epochs         2.0000";
    assert_eq!(summary.to_string(), expected);
    assert!(summary.line().starts_with("time/elapsed 0.2200 ms  time/elapsed_max 0.2200 ms  "));
    // Sinks and files use seconds.
    assert_eq!(summary.get("time", "elapsed"), Some(220e-6));
    Ok(())
}

#[test]
fn summaries_of_different_diagnostics_share_a_table() -> Outcome {
    let timed = Timed { elapsed: Duration::from_millis(1), waited: None, epochs: 2.0 }.summary()?;
    let [train, test] = [summary(0.25, 12345.6789)?, summary(100.0, 0.5)?];
    let table = SummaryTable::new().column("train", &train).column("a long title", &test).column("timed", &timed);
    let expected = "                        train       a long title  timed
loss     nll                0.2500  100.0000      -
         penalty        12345.6789    0.5000      -
metrics  accuracy           0.5000    0.5000      -
         recall             -         -           -
time     elapsed            -         -           1.0000 ms
         elapsed_max        -         -           1.0000 ms
         elapsed_count      -         -           1.0000
         elapsed_var        -         -           0.0000
         waited             -         -           -
         epochs             -         -           2.0000";
    assert_eq!(table.to_string(), expected);
    assert_eq!(SummaryTable::new().to_string(), "");
    Ok(())
}

#[test]
fn json_has_the_two_levels_and_comes_back() -> Outcome {
    let summary = summary(0.25, 3.0)?;
    let json = serde_json::to_string(&summary)?;
    assert_eq!(json, r#"{"loss":{"nll":0.25,"penalty":3.0},"metrics":{"accuracy":0.5,"recall":null}}"#);
    assert_eq!(serde_json::from_str::<TrainedSummary>(&json)?, summary);
    Ok(())
}

#[test]
fn values_that_are_not_finite_survive_json() -> Outcome {
    let summary = summary(f32::NEG_INFINITY, f64::NAN)?;
    let json = serde_json::to_string(&summary)?;
    assert!(json.starts_with(r#"{"loss":{"nll":"-inf","penalty":null}"#), "{json}");
    let back = serde_json::from_str::<TrainedSummary>(&json)?;
    assert_eq!(back.loss.nll, f64::NEG_INFINITY);
    assert!(back.loss.penalty.is_nan());
    Ok(())
}

#[test]
fn what_is_missing_is_named_and_what_is_unknown_is_passed_over() {
    let missing = serde_json::from_str::<TrainedSummary>(r#"{"loss": {"nll": 1}, "metrics": {"accuracy": 1}}"#);
    assert_eq!(missing.expect_err("no penalty").to_string(), "missing metric `loss/penalty`");
    let more = r#"{"loss": {"nll": 1, "penalty": 2, "new": 3}, "metrics": {"accuracy": 1}, "other": {"x": []}}"#;
    let summary = serde_json::from_str::<TrainedSummary>(more).expect("what is unknown is passed over");
    assert_eq!((summary.loss.penalty, summary.metrics.recall), (2.0, None));
}

#[test]
fn the_schema_is_a_constant() {
    const SCHEMA: booster::diagnostic::Schema = Trained::SCHEMA;
    let tags = SCHEMA.metrics().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(tags, ["loss/nll (mean)", "metrics/accuracy (mean)", "loss/penalty (mean)", "metrics/recall (mean)"]);
}
