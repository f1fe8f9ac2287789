//! Training with booster's and user-defined optimizers: steps, trainers, replicas.

use std::panic::{AssertUnwindSafe, catch_unwind};

use booster::evaluation::Classification;
use booster::optim::{AdamW, Optimizer, Sgd};
use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig as _};
use booster::tch::{Device, Kind, Tensor, no_grad};
use booster::training::Ema;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn net(path: &nn::Path<'_>) -> nn::Linear {
    nn::linear(path / "head", 4, 3, nn::LinearConfig::default())
}

fn batches() -> Vec<Labeled> {
    let batch = |samples: i64| Labeled {
        input: (Tensor::arange(samples * 4, (Kind::Float, Device::Cpu)).reshape([samples, 4]) * 0.7).sin(),
        target: Tensor::arange(samples, (Kind::Int64, Device::Cpu)).remainder(3),
    };
    [5, 3, 8, 2].map(batch).into()
}

type One = Pipeline<Classification<nn::Linear>>;
type Many = DataParallelPipeline<Classification<nn::Linear>>;

/// Pipelines on one replica and on three, with the same weights.
fn pipelines() -> booster::Result<(One, Many)> {
    let one = Pipeline::build(Device::Cpu, net, Classification::new());
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], net, Classification::new())?;
    many.var_store_mut().copy(one.var_store())?;
    Ok((one, many))
}

fn weights(pipeline: &impl EvaluationPipeline) -> Tensor {
    pipeline.var_store().variables()["head.weight"].detach().copy()
}

fn assert_close(found: &Tensor, expected: &Tensor) {
    assert!(found.allclose(expected, 1e-5, 1e-6, false), "{found}, expected {expected}");
}

/// Adam's second moments amplify rounding errors of float gradients near 0.
fn options() -> booster::optim::AdamOptions<true> {
    AdamW::options(1e-2).epsilon(1e-3)
}

#[test]
fn replicas_follow_the_steps_of_an_optimizer() -> Outcome {
    let (mut one, mut many) = pipelines()?;
    let (mut of_one, mut of_many) = (options().build(one.var_store())?, options().build(many.var_store())?);
    for batch in batches().iter().cycle().take(12) {
        let expected = training_step(&mut one, batch, &mut of_one)?;
        let found = training_step(&mut many, batch, &mut of_many)?;
        assert_close(found.loss.tensor(), expected.loss.tensor());
        let expected = validation_step(&mut one, batch)?;
        let found = validation_step(&mut many, batch)?;
        assert_close(found.loss.tensor(), expected.loss.tensor());
    }
    assert_close(&weights(&many), &weights(&one));
    Ok(())
}

#[test]
fn a_trainer_accumulates_clips_schedules_and_averages_with_any_optimizer() -> Outcome {
    let (mut one, mut many) = pipelines()?;
    let rate = LearningRate::new(Schedule::linear(1e-2, 1e-3, 6)?);
    let mut of_one = Trainer::builder(options().build(one.var_store())?)
        .accumulate(2)
        .clip_norm(0.5)
        .learning_rate(rate.clone())
        .ema(Ema::new(one.var_store(), 0.9)?)
        .build()?;
    let mut of_many = Trainer::builder(options().build(many.var_store())?)
        .accumulate(2)
        .clip_norm(0.5)
        .learning_rate(rate)
        .ema(Ema::new(many.var_store(), 0.9)?)
        .build()?;
    for batch in batches().iter().cycle().take(12) {
        of_one.step(&mut one, batch)?;
        of_many.step(&mut many, batch)?;
    }
    assert_eq!((of_one.steps(), of_many.steps()), (6, 6));
    assert_close(&weights(&many), &weights(&one));
    let expected = weights(&of_one.averaged(&mut one)?);
    assert_close(&weights(&of_many.averaged(&mut many)?), &expected);
    let step = of_one.optimizer_mut().state("head.weight").last().map(|(name, step)| (name, step.double_value(&[])));
    assert_eq!(step, Some(("step", 6.0)));
    Ok(())
}

#[test]
fn a_skipped_step_leaves_the_optimizers_state() -> Outcome {
    let (mut one, _) = pipelines()?;
    let optimizer = Sgd::options(0.1).momentum(0.9).build(one.var_store())?;
    let mut trainer = Trainer::builder(optimizer).non_finite(booster::training::NonFiniteStep::Skip).build()?;
    let batch = &batches()[0];
    trainer.step(&mut one, batch)?;
    let buffer = |trainer: &mut Trainer<Sgd>| {
        trainer.optimizer_mut().state("head.weight").map(|(_, tensor)| tensor.copy()).collect::<Vec<_>>()
    };
    let before = (buffer(&mut trainer), weights(&one));
    let bad = Labeled { input: &batch.input * f64::NAN, target: batch.target.shallow_clone() };
    trainer.step(&mut one, &bad)?;
    assert_eq!((buffer(&mut trainer), weights(&one)), before);
    assert_eq!((trainer.steps(), trainer.skipped()), (1, 1));
    Ok(())
}

/// User-defined plain gradient descent.
struct Descent(Vec<Tensor>, f64);

impl Optimizer for Descent {
    fn parameters(&self) -> Vec<Tensor> {
        self.0.iter().map(Tensor::shallow_clone).collect()
    }

    fn step(&mut self) -> booster::Result<()> {
        for parameter in &mut self.0 {
            let change = parameter.grad() * -self.1;
            let _ = no_grad(|| parameter.f_add_(&change))?;
        }
        Ok(())
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.1 = rate;
    }
}

#[test]
fn a_users_optimizer_trains_as_tchs_and_boosters_do() -> Outcome {
    let (mut one, mut many) = pipelines()?;
    let (mut third, _) = pipelines()?;
    third.var_store_mut().copy(one.var_store())?;
    let mut own: Box<dyn Optimizer> = Box::new(Descent(many.var_store().trainable_variables(), 0.1));
    let mut of_tch = nn::Sgd::default().build(one.var_store(), 0.1)?;
    let mut fused = Sgd::options(0.1).build(third.var_store())?;
    for batch in &batches() {
        training_step(&mut one, batch, &mut of_tch)?;
        training_step(&mut many, batch, &mut own)?;
        training_step(&mut third, batch, &mut fused)?;
    }
    assert_close(&weights(&many), &weights(&one));
    assert_close(&weights(&third), &weights(&one));
    let error = Optimizer::set_group_learning_rate(&mut own, 1, 0.1).unwrap_err().to_string();
    assert!(error.contains("parameter groups"), "{error}");
    Ok(())
}

/// Panics in its first step.
struct Panicking(Descent, bool);

impl Optimizer for Panicking {
    fn parameters(&self) -> Vec<Tensor> {
        self.0.parameters()
    }

    fn step(&mut self) -> booster::Result<()> {
        assert!(std::mem::replace(&mut self.1, true), "the optimizer has a bug");
        self.0.step()
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.0.set_learning_rate(rate);
    }
}

#[test]
fn a_step_skipped_after_the_optimizer_panicked_leaves_the_buffers() -> Outcome {
    let net = |path: &nn::Path<'_>| {
        let norm = nn::batch_norm1d(path / "norm", 4, nn::BatchNormConfig::default());
        nn::seq_t().add(norm).add(nn::linear(path / "head", 4, 3, nn::LinearConfig::default()))
    };
    let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
    let optimizer = Panicking(Descent(pipeline.var_store().trainable_variables(), 0.1), false);
    let mut trainer = Trainer::builder(optimizer).non_finite(booster::training::NonFiniteStep::Skip).build()?;
    let batch = &batches()[0];
    let panic = catch_unwind(AssertUnwindSafe(|| trainer.step(&mut pipeline, batch).map(drop)));
    assert!(panic.is_err());
    let mean = |pipeline: &Pipeline<_>| pipeline.var_store().variables()["norm.running_mean"].copy();
    let before = mean(&pipeline);
    let bad = Labeled { input: &batch.input * f64::NAN, target: batch.target.shallow_clone() };
    trainer.step(&mut pipeline, &bad)?;
    assert_eq!((mean(&pipeline), trainer.skipped()), (before, 1));
    trainer.step(&mut pipeline, batch)?;
    assert_eq!(trainer.steps(), 1);
    Ok(())
}
