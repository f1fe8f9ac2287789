//! Training steps with accumulation, clipping, schedules, averages and detection of non-finite values.

mod buffers;
mod builder;
mod gradients;
mod monitor;
mod steps;
mod throughput;
mod window;

use std::fmt;

use tch::nn;

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

/// Training steps on any pipeline, with gradient accumulation, clipping, a learning rate schedule, a moving average of
/// the weights, and detection of non-finite losses and gradients.
///
/// A step reads nothing back from the device, unless non-finite steps are [skipped](NonFiniteStep::Skip).
///
/// A trainer zeroes, clips, measures and steps the optimizer's variables and no others. These may be some of the
/// pipeline's variables, such as those of a generator or a discriminator; the gradients of the others accumulate until
/// their own optimizer zeroes them. An [average](TrainerBuilder::ema) still covers all of the pipeline's variables, and
/// is updated after each step of the trainer that holds it.
///
/// The mean gradients of a window of several batches are stored separately from the variables, in at least single
/// precision. Gradients that the optimizer's variables already have when a batch arrives are discarded.
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
///     trainer.finish_window(&mut pipeline)?; // steps on an incomplete window, and checks for NaN
///     println!("{}\n{}", mean.summary()?, trainer.throughput(&pipeline));
/// }
/// assert_eq!(trainer.steps(), 6);
/// # Ok(())
/// # }
/// ```
///
/// Several trainers may train parts of one model, each with an optimizer [of](crate::optim::Builder::of) its own
/// parameters:
///
/// ```
/// use booster::optim::AdamW;
/// use booster::prelude::*;
/// use booster::tch::nn::{self, Module};
/// use booster::tch::{Device, Kind, Tensor};
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
///         Turn::Generator => -score, // the terms of real samples are omitted
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
/// let train = |part: &'static str, rate: f64| {
///     let optimizer = AdamW::options(rate).of(move |parameter| parameter.name().starts_with(part));
///     Trainer::builder(optimizer.build(pipeline.var_store())?).build()
/// };
/// let (mut generator, mut discriminator) = (train("generator.", 1e-4)?, train("discriminator.", 4e-4)?);
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
#[must_use = "a trainer does nothing until it steps"]
pub struct Trainer<O = nn::Optimizer> {
    optimizer: O,
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

/// The policy for steps whose loss or gradient is NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFiniteStep {
    /// Continues without waiting for the device. [`Trainer::finish_window`] and [`Trainer::check`] return an error that
    /// names the first such step.
    #[default]
    Error,
    /// Skips the optimizer step and undoes the window: parameters, optimizer state, averages and buffers, such as batch
    /// norm statistics, have the same values as before the window. This copies the pipeline's buffers and reads from
    /// the device once per optimizer step.
    Skip,
    /// Skips as [`Skip`](Self::Skip) does, but returns an error if more than this many steps in a row are not finite.
    SkipAtMost(u64),
}

impl<O> Trainer<O> {
    fn of(optimizer: O) -> Self {
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

    /// Returns the throughput since the previous call. Waits for the device.
    pub fn throughput(&mut self, pipeline: &impl EvaluationPipeline) -> Throughput {
        self.meter.take(pipeline.var_store().device())
    }

    /// Returns the number of optimizer steps, excluding skipped ones.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Returns the number of skipped optimizer steps.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Returns a mutable reference to the optimizer.
    pub fn optimizer_mut(&mut self) -> &mut O {
        &mut self.optimizer
    }

    /// Returns the pipeline to evaluate and save: with averaged weights if the trainer keeps an average, and with its
    /// own weights otherwise. See [`Ema::averaged`].
    ///
    /// ```no_run
    /// # use booster::prelude::*;
    /// # fn best<P: EvaluationPipeline>(trainer: &mut Trainer, pipeline: &mut P, batch: &BatchOf<P>) -> booster::Result<()> {
    /// let mut averaged = trainer.averaged(pipeline)?;
    /// let summary = validation_step(&mut averaged, batch)?.summary()?;
    /// averaged.var_store().save("scored.safetensors")?; // the weights that were scored
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

    /// Returns a mutable reference to the average of the weights, if there is one, to save or load it.
    pub fn ema_mut(&mut self) -> Option<&mut Ema> {
        self.ema.as_mut()
    }
}

impl<O> fmt::Debug for Trainer<O> {
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
