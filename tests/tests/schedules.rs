//! Schedules against PyTorch's and against closed forms.

use booster::prelude::*;
use booster::training::OneCycle;
use serde_json::Value;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn figures() -> Result<Value, Box<dyn std::error::Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/figures/schedules.json");
    Ok(serde_json::from_str(&std::fs::read_to_string(path)?)?)
}

/// Asserts that each step has PyTorch's value.
fn equals(name: &str, schedule: &Schedule, figures: &Value, tolerance: f64) {
    let figures = figures.as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>();
    assert!(!figures.is_empty(), "no figures of {name}");
    for (step, expected) in figures.into_iter().enumerate() {
        let found = schedule.at(step as u64);
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{name} at {step}: {found} {expected}");
    }
}

/// The figures come from `python/schedules.py`.
#[test]
fn schedules_are_those_of_pytorch() -> Outcome {
    let figures = figures()?;
    let cosine = || Schedule::cosine(0.1, 0.01, 40);
    for (name, schedule) in [
        ("linear", Schedule::linear(0.1, 0.02, 50)?),
        ("cosine", Schedule::cosine(0.1, 0.01, 50)?),
        ("restarts", Schedule::cosine(0.1, 0.01, 20)?.repeat(20)),
        ("exponential", Schedule::decay(0.1, 0.0, 0.95, 1)?),
        ("staircase", Schedule::decay(0.1, 0.0, 0.5, 15)?.staircase(15)),
        ("warm_up", cosine()?.warm_up_from(0.025, 10)?),
    ] {
        // PyTorch multiplies step by step, and so accumulates rounding errors.
        equals(name, &schedule, &figures[name], 1e-13);
    }
    Ok(())
}

#[test]
fn one_cycle_is_that_of_pytorch_with_its_defaults_and_without() -> Outcome {
    let figures = figures()?;
    for steps in [100, 25, 2, 1] {
        let figures = &figures["one_cycle"][steps.to_string()];
        assert_eq!(figures.as_array().map(Vec::len), Some(steps as usize));
        equals("one_cycle", &Schedule::one_cycle(OneCycle::new(0.1, steps))?, figures, 1e-12);
    }
    let cycle = OneCycle { pct_start: 0.45, div_factor: 10.0, final_div_factor: 100.0, ..OneCycle::new(0.1, 40) };
    equals("own_cycle", &Schedule::one_cycle(cycle)?, &figures["own_cycle"], 1e-12);
    Ok(())
}

#[test]
fn one_cycle_has_a_value_where_its_phases_are_empty() -> Outcome {
    for (pct_start, steps) in [(0.0, 10), (1.0, 10), (0.1, 10), (0.3, 0), (0.0, 0), (1.0, 1)] {
        let schedule = Schedule::one_cycle(OneCycle { pct_start, ..OneCycle::new(0.1, steps) })?;
        let end = 0.1 / 25.0 / 1e4;
        for step in 0..12 {
            let value = schedule.at(step);
            assert!((end..=0.1).contains(&value), "{pct_start} of {steps} at {step}: {value}");
        }
        assert_eq!(schedule.at(steps), end);
    }
    // With the peak at step 0, there is no division by the empty rise.
    assert_eq!(Schedule::one_cycle(OneCycle { pct_start: 0.1, ..OneCycle::new(0.1, 10) })?.at(0), 0.1);
    Ok(())
}

#[test]
fn an_empty_period_jumps_at_once() -> Outcome {
    for schedule in [
        Schedule::linear(1.0, 0.5, 0)?,
        Schedule::cosine(1.0, 0.5, 0)?,
        Schedule::exponential(1.0, 0.5, 0)?,
        Schedule::decay(1.0, 0.5, 0.9, 0)?,
        Schedule::decay(1.0, 0.5, 1.0, 0)?,
        Schedule::constant(0.5)?.warm_up(0),
        Schedule::constant(1.0)?.then(0, Schedule::constant(0.5)?),
        Schedule::linear(0.5, 1.0, 10)?.repeat(0),
    ] {
        for step in [0, 1, 100, u64::MAX] {
            assert_eq!(schedule.at(step), 0.5, "{schedule:?} at {step}");
        }
    }
    let line = Schedule::linear(0.0, 1.0, 10)?;
    for step in 0..20 {
        assert_eq!(line.clone().staircase(0).at(step), line.at(step));
    }
    Ok(())
}

#[test]
fn decay_towards_an_offset_halves_the_distance_and_never_passes_it() -> Outcome {
    for (from, to) in [(1.0, 0.25), (0.25, 1.0), (-1.0, 2.0)] {
        let schedule = Schedule::decay(from, to, 0.5, 10)?;
        for halvings in 0..10_i32 {
            let expected = to + (from - to) * 0.5_f64.powi(halvings);
            assert!((schedule.at(10 * halvings as u64) - expected).abs() < 1e-15);
        }
        for step in [0, 1, 10, 1000, 1_000_000, u64::MAX] {
            assert!((from.min(to)..=from.max(to)).contains(&schedule.at(step)));
        }
        assert_eq!(schedule.at(u64::MAX), to);
    }
    Ok(())
}

#[test]
fn a_staircase_changes_at_the_end_of_each_stair_alone() -> Outcome {
    let stairs = Schedule::decay(1.0, 0.0, 0.5, 10)?.staircase(10);
    assert_eq!([0, 9, 10, 19, 20].map(|step| stairs.at(step)), [1.0, 1.0, 0.5, 0.5, 0.25]);
    Ok(())
}

#[test]
fn exponential_pieces_meet_where_they_join() -> Outcome {
    let piece = |from, to, steps| Schedule::exponential(from, to, steps);
    let joined = piece(1.0, 0.1, 100)?.then(100, piece(0.1, 1e-3, 50)?).then(150, piece(1e-3, 0.5, 30)?);
    assert_eq!([0, 100, 150, 180, 999].map(|step| joined.at(step)), [1.0, 0.1, 1e-3, 0.5, 0.5]);
    // The factor is the same at each step of a piece, including the steps into its joints.
    for (steps, factor) in
        [(0..100, 0.1_f64.powf(0.01)), (100..150, 0.01_f64.powf(0.02)), (150..180, 500_f64.powf(1.0 / 30.0))]
    {
        for step in steps {
            assert!((joined.at(step + 1) / joined.at(step) / factor - 1.0).abs() < 1e-12, "at {step}");
        }
    }
    Ok(())
}

#[test]
fn a_warm_up_leads_to_where_the_schedule_starts() -> Outcome {
    let schedule = Schedule::cosine(2.0, 0.0, 100)?;
    let warmed = schedule.clone().warm_up(10);
    for step in 0..10 {
        assert!((warmed.at(step) - 0.2 * step as f64).abs() < 1e-15);
    }
    for step in 0..200 {
        assert_eq!(warmed.at(10 + step), schedule.at(step));
    }
    let down = schedule.warm_up_from(4.0, 10)?;
    assert_eq!([0, 5, 10].map(|step| down.at(step)), [4.0, 3.0, 2.0]);
    Ok(())
}

#[test]
fn a_piece_replaces_those_that_have_not_begun() -> Outcome {
    let [one, two, three] = [1.0, 2.0, 3.0].map(Schedule::constant);
    let schedule = one?.then(20, two?).then(10, three?);
    assert_eq!([0, 9, 10, 20, 30].map(|step| schedule.at(step)), [1.0, 1.0, 3.0, 3.0, 3.0]);
    Ok(())
}

#[test]
fn a_bad_argument_is_an_error_that_names_it() {
    let one = || Schedule::constant(1.0).expect("1 is finite");
    let cycle = OneCycle::new(0.1, 10);
    for (schedule, message) in [
        (Schedule::constant(f64::NAN), "constant schedule: `value` must be finite, got NaN"),
        (Schedule::linear(f64::INFINITY, 0.0, 1), "linear schedule: `from` must be finite, got inf"),
        (Schedule::cosine(0.0, f64::NAN, 1), "cosine schedule: `to` must be finite, got NaN"),
        (Schedule::exponential(0.0, 1.0, 1), "exponential schedule: `from` must be non-zero, got 0"),
        (Schedule::exponential(1.0, 0.0, 1), "exponential schedule: `to` must be of the same sign as `from`, got 0"),
        (Schedule::exponential(-1.0, 1.0, 1), "exponential schedule: `to` must be of the same sign as `from`, got 1"),
        (Schedule::decay(1.0, f64::NEG_INFINITY, 0.5, 1), "decay schedule: `to` must be finite, got -inf"),
        (Schedule::decay(1.0, 0.0, 1.5, 1), "decay schedule: `rate` must be in 0..=1, got 1.5"),
        (Schedule::decay(1.0, 0.0, f64::NAN, 1), "decay schedule: `rate` must be in 0..=1, got NaN"),
        (one().warm_up_from(f64::NAN, 1), "warm-up schedule: `from` must be finite, got NaN"),
        (one().scale(f64::INFINITY), "scaled schedule: `factor` must be finite, got inf"),
        (
            Schedule::one_cycle(OneCycle { pct_start: 1.5, ..cycle }),
            "one-cycle schedule: `pct_start` must be in 0..=1, got 1.5",
        ),
        (
            Schedule::one_cycle(OneCycle { div_factor: 0.0, ..cycle }),
            "one-cycle schedule: `div_factor` must be finite and positive, got 0",
        ),
        (
            Schedule::one_cycle(OneCycle { max: 1e300, div_factor: 1e-300, ..cycle }),
            "one-cycle schedule: `max / div_factor` must be finite, got inf",
        ),
    ] {
        assert_eq!(schedule.expect_err(message).to_string(), message);
    }
}

#[test]
fn an_invalid_schedule_cannot_be_loaded() {
    for (json, message) in [
        (r#"{"constant":{"value":"NaN"}}"#, "constant schedule: `value` must be finite, got NaN"),
        (
            r#"{"exponential":{"from":1,"to":-1,"steps":3}}"#,
            "exponential schedule: `to` must be of the same sign as `from`, got -1",
        ),
        (
            r#"{"scale":{"factor":2,"schedule":{"decay":{"from":1,"to":0,"rate":7,"steps":1}}}}"#,
            "`rate` must be in 0..=1, got 7",
        ),
        (
            r#"{"piecewise":{"pieces":[]}}"#,
            "`pieces` must be in ascending order of start, beginning at 0, got a list with starts []",
        ),
        (
            r#"{"piecewise":{"pieces":[{"start":1,"schedule":{"constant":{"value":1}}}]}}"#,
            "`pieces` must be in ascending order of start, beginning at 0, got a list with starts [1]",
        ),
        (r#"{"linear":{"from":1,"to":0,"steps":-1}}"#, "invalid value: integer `-1`"),
        (r#"{"linear":{"from":1,"to":0,"steps":1,"step":1}}"#, "unknown field `step`"),
        (r#"{"linnear":{"from":1,"to":0,"steps":1}}"#, "unknown variant `linnear`"),
    ] {
        let error = serde_json::from_str::<Schedule>(json).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn a_schedule_is_read_and_written_as_a_person_would() -> Outcome {
    let json = r#"{"warm_up":{"from":0.0,"steps":10,"schedule":{"cosine":{"from":0.001,"to":0.0,"steps":90}}}}"#;
    let schedule = Schedule::cosine(1e-3, 0.0, 90)?.warm_up(10);
    assert_eq!(serde_json::to_string(&schedule)?, json);
    assert_eq!(serde_json::from_str::<Schedule>(&json.replace("0.0,", "0,"))?, schedule);
    Ok(())
}
