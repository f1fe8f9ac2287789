//! Training steps with all that goes with them: accumulation, clipping, schedules, averages, a look at NaN.

mod buffers;
mod builder;
mod gradients;
mod monitor;
mod steps;
mod throughput;
mod window;

use std::fmt;

use tch::nn::Optimizer;

use self::buffers::Buffers;
pub use self::builder::TrainerBuilder;
use self::gradients::Clip;
use self::monitor::NonFiniteMonitor;
use self::throughput::Meter;
pub use self::throughput::Throughput;
use self::window::Window;
use super::{Ema, EmaGuard, LearningRate};
use crate::error::Result;
use crate::pipeline::EvaluationPipeline;

/// Training steps on any pipeline, with gradient accumulation, clipping, a learning rate that follows a schedule, a
/// moving average of the weights, and a look at losses and gradients that are not finite.
///
/// A step reads nothing back from the device, unless steps are to be [skipped](NonFiniteStep::Skip).
///
/// A trainer works on the optimizer's variables, all of them and only them: it zeroes, clips, measures and steps the same
/// set. They may be a part of the pipeline's, as a generator's or a discriminator's; gradients of the others are neither
/// zeroed nor clipped, but add up until their own optimizer zeroes them. An [average](TrainerBuilder::ema) is of the
/// pipeline's whole store also then: it follows each step of the trainer that has it.
///
/// The gradients of a window are kept apart from the variables, as means in single precision at least; gradients that a
/// variable has when a batch comes are dropped.
///
/// ```
/// use booster::evaluation::Classification;
/// use booster::prelude::*;
/// use booster::tch::{Device, Kind, Tensor, nn, nn::OptimizerConfig};
/// use booster::training::Ema;
///
/// # fn main() -> booster::Result<()> {
/// # let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
/// # let batches = [5, 5, 2].map(|samples| Labeled {
/// #     input: Tensor::rand([samples, 4], (Kind::Float, Device::Cpu)),
/// #     target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
/// # });
/// let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
/// let optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
/// let mut trainer = Trainer::builder(optimizer)
///     .accumulate(2)
///     .clip_norm(1.0)
///     .learning_rate(LearningRate::new(Schedule::cosine(1e-3, 0.0, 1000)?.warm_up(100)))
///     .ema(Ema::new(pipeline.var_store(), 0.999)?)
///     .build()?;
/// for epoch in 0..3 {
///     let mut mean = Aggregator::new();
///     for batch in &batches {
///         mean.update(&trainer.step(&mut pipeline, batch)?)?;
///     }
///     trainer.finish_window(&mut pipeline)?; // the last window, and whether all was finite
///     println!("{}\n{}", mean.summary()?, trainer.throughput(&pipeline));
/// }
/// assert_eq!(trainer.steps(), 6);
/// # Ok(())
/// # }
/// ```
///
/// tch builds an optimizer of all parameters of a store. For one of some, put those into a store of its own; names in it
/// may not hold a dot, and buffers stay out:
///
/// ```
/// use std::collections::BTreeMap;
///
/// use booster::prelude::*;
/// use booster::tch::nn::{self, Module, OptimizerConfig, VarStore};
/// use booster::tch::{Device, Kind, Tensor};
///
/// /// The parameters whose names begin so: the same tensors, in order of their names.
/// fn part(store: &VarStore, prefix: &str) -> VarStore {
///     let part = VarStore::new(store.device());
///     for (name, variable) in store.variables().into_iter().collect::<BTreeMap<_, _>>() {
///         if name.starts_with(prefix) && variable.requires_grad() {
///             let _ = part.root().add(&name.replace('.', "/"), variable, true);
///         }
///     }
///     part
/// }
///
/// #[derive(Clone, Copy, Debug)]
/// enum Turn { Generator, Discriminator }
///
/// struct Gan { generator: nn::Linear, discriminator: nn::Linear }
///
/// #[evaluator]
/// fn adversarial(model: &Gan, noise: &Tensor, _mode: Mode, #[param] turn: Turn) -> booster::Result<Tensor> {
///     let score = model.discriminator.forward(&model.generator.forward(noise));
///     let score = match turn {
///         Turn::Generator => -score, // and so on, with the real samples
///         Turn::Discriminator => score,
///     };
///     Ok(score.f_mean(Kind::Float)?)
/// }
///
/// # fn main() -> booster::Result<()> {
/// let gan = |path: &nn::Path<'_>| Gan {
///     generator: nn::linear(path / "generator", 3, 2, Default::default()),
///     discriminator: nn::linear(path / "discriminator", 2, 1, Default::default()),
/// };
/// let mut pipeline = Pipeline::build(Device::Cpu, gan, Adversarial::new(Turn::Generator));
/// let adam = nn::Adam::default();
/// let mut generator = Trainer::builder(adam.build(&part(pipeline.var_store(), "generator."), 1e-4)?).build()?;
/// let of_discriminator = adam.build(&part(pipeline.var_store(), "discriminator."), 4e-4)?;
/// let mut discriminator = Trainer::builder(of_discriminator).build()?;
/// # let noise = Tensor::rand([5, 3], (Kind::Float, Device::Cpu));
/// for _ in 0..3 {
///     pipeline.evaluator_mut().turn = Turn::Discriminator;
///     discriminator.step(&mut pipeline, &noise)?;
///     pipeline.evaluator_mut().turn = Turn::Generator;
///     generator.step(&mut pipeline, &noise)?;
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a trainer does nothing until it is given batches"]
pub struct Trainer {
    optimizer: Optimizer,
    batches_per_window: u64,
    clip: Option<Clip>,
    non_finite: NonFiniteStep,
    learning_rate: Option<LearningRate>,
    ema: Option<Ema>,
    window: Window,
    buffers: Buffers,
    monitor: NonFiniteMonitor,
    meter: Meter,
    steps: u64,
    skipped: u64,
    skipped_in_a_row: u64,
}

/// What is done about a step whose loss or gradient is NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFiniteStep {
    /// Training goes on, without waiting for the device; [`Trainer::finish_window`] and [`Trainer::check`] are errors that name
    /// the first such step.
    #[default]
    Error,
    /// The optimizer does not step, and the window leaves no trace: parameters, the optimizer's state, averages and
    /// buffers (the statistics of batch-norm, say) are as before. For that the pipeline's buffers are copied once for each
    /// step of the optimizer, and one number is read from the device.
    Skip,
    /// As [`Skip`](Self::Skip), until so many steps in a row were skipped, which is an error.
    SkipAtMost(u64),
}

impl Trainer {
    fn of(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            batches_per_window: 1,
            clip: None,
            non_finite: NonFiniteStep::default(),
            learning_rate: None,
            ema: None,
            window: Window::default(),
            buffers: Buffers::default(),
            monitor: NonFiniteMonitor::default(),
            meter: Meter::default(),
            steps: 0,
            skipped: 0,
            skipped_in_a_row: 0,
        }
    }

    /// How fast training was since this was last asked, for which it waits for the device.
    pub fn throughput(&mut self, pipeline: &impl EvaluationPipeline) -> Throughput {
        self.meter.take(pipeline.var_store().device())
    }

    /// The steps of the optimizer, without those that were skipped.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The steps of the optimizer that were skipped.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The optimizer.
    pub fn optimizer_mut(&mut self) -> &mut Optimizer {
        &mut self.optimizer
    }

    /// The pipeline as it is to be evaluated and saved: with the averages, if the trainer keeps any, else with the weights
    /// as they are. See [`Ema::averaged`].
    ///
    /// ```no_run
    /// # use booster::prelude::*;
    /// # fn best<P: EvaluationPipeline>(trainer: &mut Trainer, pipeline: &mut P, batch: &BatchOf<P>) -> booster::Result<()> {
    /// let mut averaged = trainer.averaged(pipeline)?;
    /// let summary = validation_step(&mut averaged, batch)?.summary()?;
    /// averaged.var_store().save("scored.safetensors")?; // what was scored, while it is lent
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`Ema::averaged`].
    pub fn averaged<'a, P: EvaluationPipeline>(&'a mut self, pipeline: &'a mut P) -> Result<EmaGuard<'a, P>> {
        match &mut self.ema {
            Some(ema) => ema.averaged(pipeline),
            None => Ok(EmaGuard::as_is(pipeline)),
        }
    }

    /// The average of the weights, to save and load with its number of updates.
    pub fn ema_mut(&mut self) -> Option<&mut Ema> {
        self.ema.as_mut()
    }
}

impl fmt::Debug for Trainer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Trainer")
            .field("batches_per_window", &self.batches_per_window)
            .field("clip", &self.clip)
            .field("non_finite", &self.non_finite)
            .field("learning_rate", &self.learning_rate)
            .field("ema", &self.ema)
            .field("batches_in_window", &self.window.len())
            .field("steps", &self.steps)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}
