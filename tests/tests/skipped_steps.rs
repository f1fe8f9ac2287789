//! Skipped non-finite steps leave no trace.

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster::training::{Ema, NonFiniteStep};
use booster_tests::generator;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn net(path: &nn::Path<'_>) -> nn::SequentialT {
    // A batch counter, as in PyTorch's batch norm.
    let seen = path.add("seen", Tensor::zeros([1], (Kind::Int64, Device::Cpu)), false);
    nn::seq_t()
        .add(nn::linear(path / "hidden", 4, 8, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(path / "norm", 8, nn::BatchNormConfig::default()))
        .add_fn_t(move |hidden, train| {
            if train {
                let _ = seen.shallow_clone().g_add_scalar_(1);
            }
            hidden.relu()
        })
        .add(nn::linear(path / "logits", 8, 3, nn::LinearConfig::default()))
}

fn batch(samples: i64, is_bad: bool) -> Labeled {
    let input = Tensor::randn([samples, 4], (Kind::Float, Device::Cpu));
    Labeled {
        input: if is_bad { input * f64::NAN } else { input },
        target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
    }
}

fn state(pipeline: &impl EvaluationPipeline) -> Vec<(String, Tensor)> {
    let variables = pipeline.var_store().variables().into_iter();
    let mut state = variables.map(|(name, tensor)| (name, tensor.detach_copy())).collect::<Vec<_>>();
    state.sort_by(|one, other| one.0.cmp(&other.0));
    state
}

/// Trains in windows, every second of which has a bad batch at the given index or is left out, and returns the final
/// state.
fn trained(
    mut pipeline: impl EvaluationPipeline<Evaluator = Classification<nn::SequentialT>>,
    window: usize,
    bad: Option<usize>,
    policy: NonFiniteStep,
) -> booster::Result<Vec<(String, Tensor)>> {
    let adam = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    let mut trainer = Trainer::builder(adam)
        .accumulate(window as u64)
        .clip_norm(1.0)
        .learning_rate(LearningRate::new(Schedule::cosine(1e-2, 0.0, 10)?))
        .non_finite(policy)
        .ema(Ema::new(pipeline.var_store(), 0.5)?)
        .build()?;
    for step in 0..3 {
        manual_seed(step);
        let good = (0..window).map(|_| batch(5, false)).collect::<Vec<_>>();
        for batch in &good {
            trainer.step(&mut pipeline, batch)?;
        }
        if let Some(bad) = bad {
            let before = state(&pipeline);
            for (index, good) in good.iter().enumerate() {
                if index == bad {
                    trainer.step(&mut pipeline, &batch(5, true))?;
                } else {
                    trainer.step(&mut pipeline, good)?;
                }
            }
            assert_eq!(state(&pipeline), before);
        }
    }
    assert_eq!(trainer.skipped(), if bad.is_some() { 3 } else { 0 });
    trainer.finish_window(&mut pipeline)?;
    let mut all = state(&pipeline);
    all.extend(state(&trainer.averaged(&mut pipeline)?));
    assert!(all.iter().all(|(_, tensor)| tensor.isfinite().all().int64_value(&[]) == 1));
    Ok(all)
}

#[test]
fn skipped_windows_leave_variables_buffers_and_averages_as_they_were() -> Outcome {
    let _generator = generator();
    let one = || {
        manual_seed(9);
        Pipeline::build(Device::Cpu, net, Classification::new())
    };
    let many = || {
        manual_seed(9);
        DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())
    };
    for (policy, window) in [(NonFiniteStep::SkipAtMost(1), 1), (NonFiniteStep::Skip, 3)] {
        let expected = [trained(one(), window, None, policy)?, trained(many()?, window, None, policy)?];
        for bad in 0..window {
            let found = [trained(one(), window, Some(bad), policy)?, trained(many()?, window, Some(bad), policy)?];
            assert_eq!(found, expected, "{policy:?}, batch {bad} of {window}");
        }
    }
    Ok(())
}

#[test]
fn an_error_for_too_many_skipped_steps_leaves_the_buffers_too() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
    let adam = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    let mut trainer = Trainer::builder(adam).non_finite(NonFiniteStep::SkipAtMost(0)).build()?;
    trainer.step(&mut pipeline, &batch(5, false))?;
    let before = state(&pipeline);
    trainer.step(&mut pipeline, &batch(5, true)).map(|_| ()).expect_err("one is too many");
    assert_eq!(state(&pipeline), before);
    Ok(())
}

#[test]
fn a_window_that_ends_in_an_error_leaves_the_buffers_too() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
    let adam = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    let mut trainer = Trainer::builder(adam).accumulate(3).non_finite(NonFiniteStep::Skip).build()?;
    let before = state(&pipeline);
    trainer.step(&mut pipeline, &batch(5, false))?;
    assert_ne!(state(&pipeline), before);
    let late = Labeled { target: Tensor::full([5], 7, (Kind::Int64, Device::Cpu)), ..batch(5, false) };
    trainer.step(&mut pipeline, &late).map(|_| ()).expect_err("no class 7");
    assert_eq!(state(&pipeline), before);
    trainer.finish_window(&mut pipeline)?;
    assert_eq!((trainer.steps(), trainer.skipped()), (0, 0));
    Ok(())
}

#[test]
fn a_step_under_the_policy_reads_one_number() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
    let adam = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    let mut trainer = Trainer::builder(adam).accumulate(2).non_finite(NonFiniteStep::Skip).build()?;
    let batches = [batch(5, false), batch(5, true)];
    let before = booster::transfers::host_reads();
    for _ in 0..10 {
        trainer.step(&mut pipeline, &batches[0])?;
        trainer.step(&mut pipeline, &batches[1])?;
    }
    assert_eq!(booster::transfers::host_reads(), before + 10);
    Ok(())
}
