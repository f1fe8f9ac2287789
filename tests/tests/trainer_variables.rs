//! A trainer works on the optimizer's variables.

use booster::prelude::*;
use booster::tch::nn::{self, Optimizer, OptimizerConfig, VarStore};
use booster::tch::{Device, Kind, Tensor};
use booster::training::Step;
use booster_tests::gan::{Adversarial, Gan, gan};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn pipeline() -> Pipeline<Adversarial> {
    Pipeline::build(Device::Cpu, gan, Adversarial::new())
}

fn batch(value: f64) -> Tensor {
    Tensor::from_slice(&[value])
}

/// A second store of some of a pipeline's variables.
fn part(pipeline: &impl EvaluationPipeline, names: &[&str]) -> VarStore {
    let (part, variables) = (VarStore::new(Device::Cpu), pipeline.var_store().variables());
    for name in names {
        let _ = part.root().add(name, variables[*name].shallow_clone(), true);
    }
    part
}

fn sgd(store: &VarStore, rate: f64) -> booster::Result<Optimizer> {
    Ok(nn::Sgd::default().build(store, rate)?)
}

fn value(pipeline: &impl EvaluationPipeline, name: &str) -> f64 {
    pipeline.var_store().variables()[name].double_value(&[0])
}

fn gradient(pipeline: &impl EvaluationPipeline, name: &str) -> Option<f64> {
    let gradient = pipeline.var_store().variables()[name].grad();
    gradient.defined().then(|| gradient.double_value(&[0]))
}

fn norm<D: Diagnostic>(step: &Step<D>) -> Option<f64> {
    step.gradient_norm.as_ref().map(|norm| norm.double_value(&[]))
}

fn assert_close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
}

#[test]
fn an_optimizer_of_a_part_measures_clips_and_steps_that_part() -> Outcome {
    for devices in [1, 2] {
        for clip in [0.05, 1.0] {
            for window in [1, 2] {
                let mut pipeline = DataParallelPipeline::build(&vec![Device::Cpu; devices], gan, Adversarial::new())?;
                let optimizer = sgd(&part(&pipeline, &["generator"]), 1.0)?;
                let mut trainer = Trainer::builder(optimizer).accumulate(window).clip_norm(clip).build()?;
                let mut norms = Vec::new();
                for _ in 0..window {
                    norms.extend(norm(&trainer.step(&mut pipeline, &Tensor::ones([4], (Kind::Double, Device::Cpu)))?));
                }
                // The discriminator's gradient of 1 is not included.
                assert_eq!(norms.len(), 1);
                assert_close(norms[0], 0.1);
                assert_close(value(&pipeline, "generator"), 1.0 - clip.min(0.1));
                assert_close(value(&pipeline, "discriminator"), 0.1);
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_of_others_are_neither_zeroed_nor_scaled() -> Outcome {
    let mut pipeline = pipeline();
    let mut trainer =
        Trainer::builder(sgd(&part(&pipeline, &["generator"]), 0.0)?).accumulate(2).clip_norm(1e-3).build()?;
    for value in [1.0, 3.0] {
        trainer.step(&mut pipeline, &batch(value))?;
    }
    // As in PyTorch, they accumulate until their own optimizer zeroes them.
    assert_close(gradient(&pipeline, "discriminator").ok_or("none")?, 4.0);
    assert_close(gradient(&pipeline, "generator").ok_or("none")?, 1e-3);
    let mut own = Trainer::builder(sgd(&part(&pipeline, &["discriminator"]), 0.0)?).build()?;
    assert_close(norm(&own.step(&mut pipeline, &batch(3.0))?).ok_or("a step")?, 3.0);
    assert_close(gradient(&pipeline, "discriminator").ok_or("none")?, 3.0);
    Ok(())
}

#[test]
fn windows_of_two_trainers_on_one_model_do_not_mix() -> Outcome {
    let mut pipeline = pipeline();
    let mut of_generator = Trainer::builder(sgd(&part(&pipeline, &["generator"]), 0.0)?).accumulate(2).build()?;
    let mut of_discriminator =
        Trainer::builder(sgd(&part(&pipeline, &["discriminator"]), 0.0)?).accumulate(2).build()?;
    of_generator.step(&mut pipeline, &batch(1.0))?;
    of_discriminator.step(&mut pipeline, &batch(20.0))?;
    // Neither do gradients computed by hand in between.
    pipeline.evaluate(&batch(100.0), Mode::Train)?.0.backward()?;
    let generator = norm(&of_generator.step(&mut pipeline, &batch(3.0))?);
    let discriminator = norm(&of_discriminator.step(&mut pipeline, &batch(40.0))?);
    assert_close(generator.ok_or("a step")?, 0.2);
    assert_close(discriminator.ok_or("a step")?, 30.0);
    Ok(())
}

#[test]
fn an_optimizer_of_other_variables_is_an_error_and_nothing_happens() -> Outcome {
    let (other, mut pipeline) = (pipeline(), pipeline());
    let stranger = || sgd(other.var_store(), 0.1);
    let expected =
        "training step: `optimizer` must be built from variables in `pipeline.var_store()`, got 2 unrelated variables";
    let mut trainer = Trainer::builder(stranger()?).build()?;
    for error in [
        training_step(&mut pipeline, &batch(1.0), &mut stranger()?).map(|_| ()).err(),
        trainer.step(&mut pipeline, &batch(1.0)).map(|_| ()).err(),
        trainer.finish_window(&mut pipeline).err(),
    ] {
        let error = error.ok_or("it was taken")?.to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    assert_eq!((gradient(&pipeline, "generator"), trainer.steps()), (None, 0));
    assert_close(value(&pipeline, "generator"), 1.0);
    Ok(())
}

#[test]
fn the_wrong_pipeline_leaves_an_open_window_as_it_is() -> Outcome {
    let (mut pipeline, mut other) = (pipeline(), pipeline());
    let mut trainer = Trainer::builder(sgd(pipeline.var_store(), 0.0)?).accumulate(2).build()?;
    trainer.step(&mut pipeline, &batch(1.0))?;
    trainer.step(&mut other, &batch(1.0)).map(|_| ()).expect_err("another model");
    trainer.finish_window(&mut other).expect_err("another model");
    trainer.step(&mut pipeline, &batch(3.0))?;
    assert_eq!(trainer.steps(), 1);
    assert_close(gradient(&pipeline, "discriminator").ok_or("none")?, 2.0);
    Ok(())
}

#[test]
fn two_stores_of_one_model_need_a_pipeline_that_knows_both() -> Outcome {
    let stores = [VarStore::new(Device::Cpu), VarStore::new(Device::Cpu)];
    let one = |store: &VarStore, name: &str| store.root().add(name, Tensor::from_slice(&[1.0]), true);
    let model = Gan { generator: one(&stores[0], "generator"), discriminator: one(&stores[1], "discriminator") };
    let [of_generator, of_discriminator] = stores;
    let optimizer = sgd(&of_generator, 0.1)?;
    let mut pipeline = Pipeline::new(of_discriminator, model, Adversarial::new());
    let error = Trainer::builder(optimizer)
        .build()?
        .step(&mut pipeline, &batch(1.0))
        .map(|_| ())
        .expect_err("of another store");
    assert!(error.to_string().contains("`pipeline.var_store()`"), "{error}");
    Ok(())
}

#[test]
fn frozen_variables_stay_and_count_for_nothing() -> Outcome {
    let mut pipeline = pipeline();
    let mut trainer = Trainer::builder(sgd(pipeline.var_store(), 1.0)?).accumulate(2).build()?;
    let variables = pipeline.var_store().variables();
    trainer.step(&mut pipeline, &batch(1.0))?;
    let _ = variables["discriminator"].set_requires_grad(false);
    // An earlier gradient is not used either.
    let found = norm(&trainer.step(&mut pipeline, &batch(1.0))?).ok_or("a step")?;
    assert_close(found, (0.1_f64.powi(2) + 0.5_f64.powi(2)).sqrt());
    let found = norm(&trainer.step(&mut pipeline, &batch(1.0))?);
    assert_eq!(found, None);
    let found = norm(&trainer.step(&mut pipeline, &batch(1.0))?).ok_or("a step")?;
    assert_close(found, value(&pipeline, "discriminator").abs());
    Ok(())
}

#[test]
fn a_part_that_a_batch_does_not_reach_has_a_gradient_of_zero() -> Outcome {
    /// Trains the given player.
    #[evaluator]
    fn alone(model: &Gan, batch: &Tensor, mode: Mode, #[param] generator: bool) -> booster::Result<Tensor> {
        let _ = mode;
        let player = if generator { &model.generator } else { &model.discriminator };
        Ok((batch * player).f_mean(None)?)
    }
    for window in [1, 2] {
        let mut pipeline = Pipeline::build(Device::Cpu, gan, Alone::new(false));
        let optimizer = sgd(&part(&pipeline, &["generator"]), 1.0)?;
        let mut trainer = Trainer::builder(optimizer).accumulate(window).clip_norm(1.0).build()?;
        for _ in 0..window {
            trainer.step(&mut pipeline, &batch(1.0))?;
        }
        trainer.finish_window(&mut pipeline)?;
        assert_close(value(&pipeline, "generator"), 1.0);
        // In half of a window the mean over both batches counts it.
        for generator in [true, false].into_iter().take(window as usize) {
            pipeline.evaluator_mut().generator = generator;
            trainer.step(&mut pipeline, &batch(0.5))?;
        }
        assert_close(value(&pipeline, "generator"), 1.0 - 0.5 / window as f64);
    }
    Ok(())
}

#[test]
fn windows_follow_a_change_of_their_size() -> Outcome {
    let steps_after = |batches: u64, size: u64| -> booster::Result<(u64, f64)> {
        let mut pipeline = pipeline();
        let mut trainer = Trainer::builder(sgd(pipeline.var_store(), 0.0)?).accumulate(4).build()?;
        for _ in 0..batches {
            trainer.step(&mut pipeline, &batch(1.0))?;
        }
        trainer = trainer.into_builder().accumulate(size).build()?;
        trainer.step(&mut pipeline, &batch(9.0))?;
        let mean = gradient(&pipeline, "discriminator").unwrap_or(f64::NAN);
        for _ in 1..100 {
            trainer.step(&mut pipeline, &batch(1.0))?;
        }
        Ok((trainer.steps(), mean))
    };
    // Three batches of 1 and one of 9 have a mean of 3.
    for (batches, size, expected) in [(3, 2, 50), (3, 1, 100), (3, 4, 25)] {
        let (steps, mean) = steps_after(batches, size)?;
        assert_eq!(steps, expected, "{batches} batches, then {size}");
        assert_close(mean, 3.0);
    }
    assert_eq!(steps_after(3, 8)?.0, 12);
    Ok(())
}

#[test]
fn what_is_scored_with_averages_is_what_is_saved() -> Outcome {
    let folder = std::env::temp_dir().join(format!("booster-scored-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    for averages in [true, false] {
        let mut pipeline = pipeline();
        let mut trainer = Trainer::builder(sgd(pipeline.var_store(), 0.5)?).build()?;
        if averages {
            trainer = trainer.into_builder().ema(booster::training::Ema::new(pipeline.var_store(), 0.9)?).build()?;
        }
        for _ in 0..4 {
            trainer.step(&mut pipeline, &batch(1.0))?;
        }
        let raw = value(&pipeline, "generator");
        let mut evaluated = trainer.averaged(&mut pipeline)?;
        let (scored, ..) = evaluated.evaluate(&batch(1.0), Mode::Eval)?;
        evaluated.var_store().save(folder.join("scored.safetensors"))?;
        drop(evaluated);
        assert_eq!(value(&pipeline, "generator"), raw);
        pipeline.var_store_mut().load(folder.join("scored.safetensors"))?;
        assert_eq!(value(&pipeline, "generator") == raw, !averages);
        let (loaded, ..) = pipeline.evaluate(&batch(1.0), Mode::Eval)?;
        assert_eq!(loaded.tensor().double_value(&[]), scored.tensor().double_value(&[]));
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
