//! Triggers: when they fire.

use std::time::Duration;

use booster::prelude::*;
use booster::training::Progress;
use proptest::prelude::*;

fn step(step: u64) -> Progress {
    Progress { step, ..Progress::default() }
}

fn epoch(epoch: u64) -> Progress {
    Progress { epoch, ..Progress::default() }
}

fn elapsed(milliseconds: u64) -> Progress {
    Progress { elapsed: Duration::from_millis(milliseconds), ..Progress::default() }
}

/// Returns the numbers at which the trigger fires.
fn fired(mut trigger: Trigger, progress: fn(u64) -> Progress, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
    numbers.into_iter().filter(|&number| trigger.fires(progress(number))).collect()
}

#[test]
fn a_step_trigger_fires_when_its_steps_are_done_and_not_before_the_first() -> booster::Result<()> {
    assert_eq!(fired(Trigger::every_steps(3)?, step, 0..10), [3, 6, 9]);
    assert_eq!(fired(Trigger::every_steps(1)?, step, 0..4), [1, 2, 3]);
    Ok(())
}

#[test]
fn an_event_whose_own_step_was_left_out_still_fires_once() -> booster::Result<()> {
    assert_eq!(fired(Trigger::every_steps(10)?, step, [9, 11, 12, 19, 45, 46, 50]), [11, 45, 50]);
    assert_eq!(fired(Trigger::at_steps([10, 20, 21]), step, [9, 11, 12, 30, 31]), [11, 30]);
    Ok(())
}

#[test]
fn an_epoch_trigger_fires_once_for_its_epoch_and_not_on_every_step_of_it() -> booster::Result<()> {
    let mut trigger = Trigger::every_epochs(2)?;
    let mut fired = Vec::new();
    for number in 0..50 {
        if trigger.fires(Progress { step: number, epoch: number / 5, ..Progress::default() }) {
            fired.push(number);
        }
    }
    assert_eq!(fired, [10, 20, 30, 40]);
    Ok(())
}

#[test]
fn a_time_trigger_fires_once_for_each_period() -> booster::Result<()> {
    let trigger = Trigger::every(Duration::from_millis(100))?;
    assert_eq!(fired(trigger, elapsed, [0, 99, 100, 101, 199, 350, 351, 400]), [100, 350, 400]);
    // Neither end of the range of durations overflows.
    let mut least = Trigger::every(Duration::from_nanos(1))?;
    assert!(least.fires(Progress { elapsed: Duration::MAX, ..Progress::default() }));
    let mut greatest = Trigger::every(Duration::MAX)?;
    assert!(!greatest.fires(elapsed(1)));
    Ok(())
}

#[test]
fn given_steps_and_epochs_fire_once_each_in_any_order_and_number() {
    assert_eq!(fired(Trigger::at_steps([5, 2, 5]), step, 0..10), [2, 5]);
    assert_eq!(fired(Trigger::at_steps([0]), step, 0..10), [0]);
    assert_eq!(fired(Trigger::at_epochs([1, 3]), epoch, [0, 0, 1, 1, 2, 3, 3, 4]), [1, 3]);
    assert_eq!(fired(Trigger::at_steps([]), step, 0..10), [0_u64; 0]);
}

#[test]
fn one_or_the_other_fires_once_where_both_do() -> booster::Result<()> {
    let both = Trigger::every_steps(4)?.or(Trigger::every_steps(6)?).or(Trigger::at_steps([7]));
    assert_eq!(fired(both, step, 0..14), [4, 6, 7, 8, 12]);
    Ok(())
}

#[test]
fn steps_that_begin_anew_repeat_no_event() -> booster::Result<()> {
    assert_eq!(fired(Trigger::every_steps(10)?, step, [10, 20, 0, 10, 20, 30]), [10, 20, 30]);
    Ok(())
}

#[test]
fn a_period_of_zero_is_an_error_and_cannot_be_loaded() -> Result<(), Box<dyn std::error::Error>> {
    for (trigger, argument) in [
        (Trigger::every_steps(0), "steps"),
        (Trigger::every_epochs(0), "epochs"),
        (Trigger::every(Duration::ZERO), "time"),
    ] {
        let error = trigger.expect_err(argument).to_string();
        assert_eq!(error, format!("trigger: `{argument}` must be positive, got 0"));
    }
    let json = serde_json::to_string(&Trigger::every_steps(7)?)?;
    assert_eq!(json, r#"{"parts":[{"events":{"every_steps":7},"passed":0}]}"#);
    assert!(serde_json::from_str::<Trigger>(&json.replace('7', "0")).is_err());
    Ok(())
}

/// Generates steps that increase by up to 30, and sometimes repeat.
fn steps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..30_u64, 1..60).prop_map(|gaps| {
        gaps.into_iter()
            .scan(0, |step, gap| {
                *step += gap;
                Some(*step)
            })
            .collect()
    })
}

fn trigger() -> impl Strategy<Value = Trigger> {
    let part = prop_oneof![
        (1..20_u64).prop_filter_map("a period", |steps| Trigger::every_steps(steps).ok()),
        (1..4_u64).prop_filter_map("a period", |epochs| Trigger::every_epochs(epochs).ok()),
        (1..900_u64).prop_filter_map("a period", |time| Trigger::every(Duration::from_millis(time)).ok()),
        prop::collection::vec(0..1000_u64, 0..5).prop_map(Trigger::at_steps),
        prop::collection::vec(0..20_u64, 0..5).prop_map(Trigger::at_epochs),
    ];
    (part.clone(), prop::option::of(part)).prop_map(|(one, other)| match other {
        Some(other) => one.or(other),
        None => one,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_call_fires_where_a_multiple_was_crossed_since_the_one_before(steps in steps(), period in 1..40_u64) {
        let mut trigger = Trigger::every_steps(period)?;
        let mut before = 0;
        for number in steps {
            let crossed = (before + 1..=number).any(|step| step.is_multiple_of(period));
            prop_assert_eq!(trigger.fires(step(number)), crossed, "{} to {}", before, number);
            before = number;
        }
    }

    #[test]
    fn resuming_at_any_point_fires_as_if_nothing_had_happened(
        steps in steps(), trigger in trigger(), interruption in any::<prop::sample::Index>(),
    ) {
        let progress = |&number: &u64| Progress {
            step: number,
            epoch: number / 50,
            elapsed: Duration::from_millis(number * 7),
        };
        let mut whole = trigger.clone();
        let expected = steps.iter().map(|number| whole.fires(progress(number))).collect::<Vec<_>>();
        let (before, after) = steps.split_at(interruption.index(steps.len()));
        let mut first = trigger;
        let mut found = before.iter().map(|number| first.fires(progress(number))).collect::<Vec<_>>();
        let mut second = serde_json::from_str::<Trigger>(&serde_json::to_string(&first)?)?;
        found.extend(after.iter().map(|number| second.fires(progress(number))));
        prop_assert_eq!(found, expected);
    }
}
