//! Laws of all schedules.

use booster::prelude::*;
use booster::training::OneCycle;
use proptest::prelude::*;

/// Generates numbers of all magnitudes, some of them equal, 0 or the largest possible.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0,
        2 => proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO,
        1 => Just(0.0),
        1 => Just(1.0),
        1 => prop_oneof![Just(f64::MAX), Just(f64::MIN)],
    ]
}

fn steps() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..20_u64, 1 => Just(u64::MAX), 1 => any::<u64>()]
}

/// Generates any valid schedule.
fn schedule() -> impl Strategy<Value = Schedule> {
    let simple =
        (0..6, number(), number(), 0.0..=1.0, steps()).prop_filter_map("a sign", |(kind, from, to, rate, steps)| {
            match kind {
                0 => Schedule::constant(from),
                1 => Schedule::linear(from, to, steps),
                2 => Schedule::cosine(from, to, steps),
                3 => Schedule::exponential(from, to, steps),
                4 => Schedule::decay(from, to, rate, steps),
                _ => Schedule::one_cycle(OneCycle { pct_start: rate, div_factor: 3.0, ..OneCycle::new(from, steps) }),
            }
            .ok()
        });
    simple.prop_recursive(4, 12, 2, |inner| {
        (0..5, inner.clone(), inner, number(), steps()).prop_filter_map(
            "finite",
            |(kind, one, other, number, steps)| {
                Some(match kind {
                    0 => one.warm_up_from(number, steps).ok()?,
                    1 => one.then(steps, other),
                    2 => one.repeat(steps),
                    3 => one.staircase(steps),
                    _ => one.scale(number).ok()?,
                })
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_lie_between_the_ends_reach_them_and_turn_nowhere(
        from in number(), to in number(), steps in 1..200_u64, kind in 0..3,
    ) {
        let schedule = match kind {
            0 => Schedule::linear(from, to, steps),
            1 => Schedule::cosine(from, to, steps),
            _ => Schedule::exponential(from, to, steps),
        };
        let Ok(schedule) = schedule else {
            prop_assert!(kind == 2 && (from == 0.0 || to == 0.0 || from.signum() != to.signum()));
            return Ok(());
        };
        prop_assert_eq!(schedule.at(0), from);
        prop_assert_eq!(schedule.at(steps), to);
        prop_assert_eq!(schedule.at(u64::MAX), to);
        let tolerance = 1e-13 * from.abs().max(to.abs());
        for step in 0..steps {
            let (value, next) = (schedule.at(step), schedule.at(step + 1));
            prop_assert!((from.min(to)..=from.max(to)).contains(&value));
            let forth = if from < to { next >= value - tolerance } else { next <= value + tolerance };
            prop_assert!(forth, "{value} {next} at {step}");
        }
    }

    #[test]
    fn every_step_of_every_schedule_has_a_finite_value(schedule in schedule(), step in steps()) {
        for step in [step, 0, 1, u64::MAX] {
            prop_assert!(schedule.at(step).is_finite(), "{}", schedule.at(step));
        }
    }

    #[test]
    fn a_schedule_comes_back_from_json_to_the_last_bit(schedule in schedule(), steps in prop::collection::vec(steps(), 9)) {
        let json = serde_json::to_string(&schedule)?;
        let back = serde_json::from_str::<Schedule>(&json)?;
        prop_assert_eq!(&back, &schedule);
        // In any order and any number of times, since schedules are stateless.
        let values = steps.iter().map(|&step| schedule.at(step).to_bits()).collect::<Vec<_>>();
        let backwards = steps.iter().rev().map(|&step| back.at(step).to_bits()).collect::<Vec<_>>();
        prop_assert!(values.iter().eq(backwards.iter().rev()));
    }

    #[test]
    fn what_comes_then_begins_at_its_own_start(one in schedule(), other in schedule(), start in 0..50_u64, step in 0..50_u64) {
        let joined = one.clone().then(start, other.clone());
        prop_assert_eq!(joined.at(start + step), other.at(step));
        if step < start {
            prop_assert_eq!(joined.at(step), one.at(step));
        }
    }

    #[test]
    fn a_factor_multiplies_every_value(schedule in schedule(), factor in -3.0..3.0_f64, step in steps()) {
        let expected = (factor * schedule.at(step)).clamp(f64::MIN, f64::MAX);
        prop_assert_eq!(schedule.scale(factor)?.at(step), expected);
    }
}
