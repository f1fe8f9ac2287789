//! Learning rates, measured by their effect on an optimizer.

use booster::prelude::*;
use booster::tch::nn::{self, Optimizer, OptimizerConfig, VarStore};
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Two weights, one in each of two parameter groups.
struct Weights {
    store: VarStore,
    weights: [Tensor; 2],
}

impl Weights {
    fn new() -> Self {
        let store = VarStore::new(Device::Cpu);
        let weights = [0, 1].map(|group| store.root().set_group(group).ones(&format!("weight{group}"), &[]));
        Self { store, weights }
    }

    /// Returns the change of each weight for gradients of 1, which for SGD is the learning rate.
    fn moved_by(&self, optimizer: &mut Optimizer) -> [f64; 2] {
        let values = || [0, 1].map(|group: usize| self.weights[group].double_value(&[]));
        let before = values();
        optimizer.backward_step(&self.weights.iter().sum::<Tensor>().sum(Kind::Float));
        let after = values();
        [0, 1].map(|group: usize| before[group] - after[group])
    }
}

fn close(found: [f64; 2], expected: [f64; 2]) -> bool {
    found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6)
}

#[test]
fn one_schedule_drives_all_groups_and_others_their_own() -> Outcome {
    let weights = Weights::new();
    let mut optimizer = nn::Sgd::default().build(&weights.store, 7.0)?;
    let one = LearningRate::new(Schedule::linear(0.1, 0.0, 10)?);
    let two = one.clone().group(1, Schedule::constant(0.5)?);
    for (step, expected) in [(0, 0.1), (5, 0.05), (10, 0.0)] {
        one.apply(&mut optimizer, step)?;
        assert!(close(weights.moved_by(&mut optimizer), [expected; 2]), "at {step}");
        two.apply(&mut optimizer, step)?;
        assert!(close(weights.moved_by(&mut optimizer), [expected, 0.5]), "at {step}");
        assert_eq!([0, 1].map(|group| two.at(step, group)), [one.at(step, 0), 0.5]);
    }
    Ok(())
}

#[test]
fn a_loaded_learning_rate_restores_the_optimizers_at_its_step() -> Outcome {
    let rate = LearningRate::new(Schedule::cosine(0.1, 0.0, 10)?).group(1, Schedule::linear(0.3, 0.1, 10)?);
    let kept = serde_json::to_string(&rate)?;
    let weights = Weights::new();
    let mut first = nn::Sgd::default().build(&weights.store, 1.0)?;
    for step in 0..4 {
        rate.apply(&mut first, step)?;
    }
    let expected = weights.moved_by(&mut first);

    let loaded = serde_json::from_str::<LearningRate>(&kept)?;
    let mut resumed = nn::Sgd::default().build(&weights.store, 1.0)?;
    loaded.apply(&mut resumed, 3)?;
    assert!(close(weights.moved_by(&mut resumed), expected));
    assert_eq!(loaded, rate);
    Ok(())
}

#[test]
fn what_was_saved_does_not_follow_the_steps_after_it() -> Outcome {
    let rate = LearningRate::new(Schedule::linear(0.1, 0.0, 10)?);
    let saved = serde_json::to_value(&rate)?;
    let weights = Weights::new();
    let mut optimizer = nn::Sgd::default().build(&weights.store, 1.0)?;
    for step in 0..10 {
        rate.apply(&mut optimizer, step)?;
        assert_eq!(serde_json::to_value(&rate)?, saved);
    }
    Ok(())
}

#[test]
fn a_group_that_the_optimizer_does_not_have_is_an_error() -> Outcome {
    let weights = Weights::new();
    let mut optimizer = nn::Sgd::default().build(&weights.store, 1.0)?;
    let rate = LearningRate::new(Schedule::constant(0.1)?).group(2, Schedule::constant(0.2)?);
    let error = rate.apply(&mut optimizer, 0).expect_err("groups 0 and 1").to_string();
    assert_eq!(error, "learning rate: `group` must be one of the optimizer's parameter groups, got 2");
    // It is still usable.
    LearningRate::new(Schedule::constant(0.25)?).apply(&mut optimizer, 0)?;
    assert!(close(weights.moved_by(&mut optimizer), [0.25; 2]));
    Ok(())
}
