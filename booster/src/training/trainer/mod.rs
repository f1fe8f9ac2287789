//! Training steps with all that goes with them: accumulation, clipping, schedules, averages, a look at NaN.

mod buffers;
mod gradients;
mod throughput;
mod watch;
mod window;

use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use tch::Tensor;
use tch::nn::Optimizer;

use self::buffers::Buffers;
use self::gradients::Clip;
use self::throughput::Meter;
pub use self::throughput::Throughput;
use self::watch::Watch;
use self::window::Window;
use super::optimizer::{self, Held};
use super::{Averaged, Ema, LearningRate};
use crate::Diagnostic;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::pipeline::{BatchOf, DiagnosticsOf, EvaluationPipeline};

/// Training steps on any pipeline, with gradient accumulation, clipping, a learning rate that follows a schedule, a
/// moving average of the weights, and a look at losses and gradients that are not finite.
///
/// A step reads nothing back from the device, unless steps are to be [skipped](NonFiniteStep::Skip).
///
/// A trainer works on the optimizer's variables, all of them and only them: it zeroes, clips, measures and steps the same
/// set. They may be a part of the pipeline's, as a generator's or a discriminator's; gradients of the others are neither
/// zeroed nor clipped, but add up until their own optimizer zeroes them.
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
/// # let batches = [5, 5, 2].map(|samples| Labelled {
/// #     input: Tensor::rand([samples, 4], (Kind::Float, Device::Cpu)),
/// #     target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
/// # });
/// let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
/// let optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
/// let mut trainer = Trainer::new(optimizer)
///     .accumulate(2)?
///     .clip_norm(1.0)?
///     .learning_rate(LearningRate::new(Schedule::cosine(1e-3, 0.0, 1000)?.warm_up(100)))
///     .ema(Ema::new(pipeline.var_store(), 0.999)?);
/// for epoch in 0..3 {
///     let mut mean = Aggregator::new();
///     for batch in &batches {
///         mean.update(&trainer.step(&mut pipeline, batch)?)?;
///     }
///     trainer.close(&mut pipeline)?; // the last window, and whether all was finite
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
/// let mut generator = Trainer::new(adam.build(&part(pipeline.var_store(), "generator."), 1e-4)?);
/// let mut discriminator = Trainer::new(adam.build(&part(pipeline.var_store(), "discriminator."), 4e-4)?);
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
    watch: Watch,
    meter: Meter,
    steps: u64,
    skipped: u64,
    skipped_in_a_row: u64,
}

/// What is done about a step whose loss or gradient is NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFiniteStep {
    /// Training goes on, without waiting for the device; [`Trainer::close`] and [`Trainer::check`] are errors that name
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

/// What a step of a [`Trainer`] measured.
///
/// It derefs to the diagnostics, and its summary to theirs: `step.nll`, `summary.loss.nll`.
#[derive(Debug, Diagnostic)]
pub struct Trained<D: Diagnostic> {
    /// What the evaluator measured.
    #[diagnostic(flatten)]
    pub diagnostics: D,
    /// From the call to its return, in seconds. A device may still be at work then: see [`Trainer::throughput`].
    #[group = "step"]
    pub elapsed: Duration,
    /// The Euclidean norm of the gradient of all variables of the optimizer, before it is clipped: a 0-dimensional tensor.
    /// `None` where the window goes on.
    #[group = "step"]
    pub gradient_norm: Option<Tensor>,
    /// The number of samples in the batch; `None` for a batch without tensors. Batch-level fields count as many times
    /// where nothing else says how many samples there are.
    #[diagnostic(batch_size)]
    pub batch_size: Option<i64>,
}

impl<D: Diagnostic> Deref for Trained<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.diagnostics
    }
}

impl<D: Diagnostic> Deref for TrainedSummary<D> {
    type Target = D::Summary;

    fn deref(&self) -> &D::Summary {
        &self.diagnostics
    }
}

impl Trainer {
    /// Steps of this optimizer, one for each batch.
    pub fn new(optimizer: Optimizer) -> Self {
        Self {
            optimizer,
            batches_per_window: 1,
            clip: None,
            non_finite: NonFiniteStep::default(),
            learning_rate: None,
            ema: None,
            window: Window::default(),
            buffers: Buffers::default(),
            watch: Watch::default(),
            meter: Meter::default(),
            steps: 0,
            skipped: 0,
            skipped_in_a_row: 0,
        }
    }

    /// The optimizer steps once for so many batches, with the gradient that their samples have together, whatever the
    /// batches' sizes and [weights](crate::Loss::weighted). In a window that is under way it counts the batches that are
    /// in it: one that has enough is closed by the next.
    ///
    /// # Errors
    /// [`Error::Argument`] for 0.
    pub fn accumulate(mut self, batches: u64) -> Result<Self> {
        if batches == 0 {
            return Err(argument("batches", "above 0", batches));
        }
        self.batches_per_window = batches;
        Ok(self)
    }

    /// Gradients are scaled down where their norm, over all parameters, is above this (Pascanu et al., 2013, arXiv
    /// 1211.5063), once for each step of the optimizer. It takes the place of [`clip_value`](Self::clip_value).
    ///
    /// # Errors
    /// [`Error::Argument`] for a norm that is not above 0.
    pub fn clip_norm(mut self, norm: f64) -> Result<Self> {
        if norm.is_nan() || norm <= 0.0 {
            return Err(argument("norm", "above 0", norm));
        }
        self.clip = Some(Clip::Norm(norm));
        Ok(self)
    }

    /// Each entry of the gradient is brought between `-value` and `value`, once for each step of the optimizer; real and
    /// imaginary part each of what is complex. It takes the place of [`clip_norm`](Self::clip_norm).
    ///
    /// # Errors
    /// [`Error::Argument`] for a value that is not above 0.
    pub fn clip_value(mut self, value: f64) -> Result<Self> {
        if value.is_nan() || value <= 0.0 {
            return Err(argument("value", "above 0", value));
        }
        self.clip = Some(Clip::Value(value));
        Ok(self)
    }

    /// What is done about steps that are not finite. In a window that is under way buffers are kept from the next batch on,
    /// if they were not before.
    pub fn non_finite(mut self, policy: NonFiniteStep) -> Self {
        self.non_finite = policy;
        self
    }

    /// The learning rate follows a schedule by the steps of the optimizer.
    pub fn learning_rate(mut self, rate: LearningRate) -> Self {
        self.learning_rate = Some(rate);
        self
    }

    /// The average follows each step of the optimizer.
    pub fn ema(mut self, ema: Ema) -> Self {
        self.ema = Some(ema);
        self
    }

    /// Goes on after so many steps of the optimizer, which schedules follow. What an optimizer keeps of earlier steps, as
    /// Adam's moments, begins anew: tch cannot save it.
    pub fn resume(mut self, steps: u64) -> Self {
        self.steps = steps;
        self
    }

    /// Evaluates a batch and adds its gradient to the window's; the batch that makes the window full has the optimizer
    /// step.
    ///
    /// After an error of the batch or of the optimizer there is no gradient left, of this batch or the others of the
    /// window.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] if the optimizer holds none of the pipeline's variables, or learning rates or averages
    /// are of another model; [`Error::NonFiniteStep`] if too many steps [in a row](NonFiniteStep::SkipAtMost) were not
    /// finite; [`Error::Variable`] if a variable has another shape than its average; [`Error::Torch`] if the optimizer
    /// refuses a gradient, after it may have stepped on those before; and the errors of
    /// [`EvaluationPipeline::backward`].
    pub fn step<P: EvaluationPipeline>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
    ) -> Result<Trained<DiagnosticsOf<P>>> {
        let start = Instant::now();
        let mut held = Held::of(&self.optimizer, pipeline.var_store())?;
        let outcome = self.add(pipeline, batch, &mut held, start);
        let outcome = outcome.and_then(|diagnostics| {
            let is_full = self.window.len() >= self.batches_per_window;
            let gradient_norm = if is_full { Some(self.close_window(pipeline, held)?) } else { None };
            Ok(Trained { diagnostics, elapsed: start.elapsed(), gradient_norm, batch_size: batch.batch_size()? })
        });
        outcome.inspect_err(|_| self.abandon(pipeline))
    }

    /// Has the optimizer step for a window that is not full, as at the end of an epoch, and tells whether losses and
    /// gradients were finite. It waits for the device.
    ///
    /// # Errors
    /// Returns [`Error::NonFiniteStep`], which names the first bad step since this, or [`check`](Self::check), was last
    /// called, and the errors of [`step`](Self::step).
    pub fn close<P: EvaluationPipeline>(&mut self, pipeline: &mut P) -> Result<()> {
        let held = Held::of(&self.optimizer, pipeline.var_store())?;
        if self.window.len() > 0 {
            let _norm = self.close_window(pipeline, held).inspect_err(|_| self.abandon(pipeline))?;
        }
        self.check()
    }

    /// Whether losses and gradients were finite in all steps of the optimizer. It waits for the device.
    ///
    /// # Errors
    /// [`Error::NonFiniteStep`] that names the first bad step since this was last called.
    pub fn check(&mut self) -> Result<()> {
        self.watch.take()
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
    pub fn averaged<'a, P: EvaluationPipeline>(&'a mut self, pipeline: &'a mut P) -> Result<Averaged<'a, P>> {
        match &mut self.ema {
            Some(ema) => ema.averaged(pipeline),
            None => Ok(Averaged::as_is(pipeline)),
        }
    }

    /// The average of the weights, to save and load with its number of updates.
    pub fn ema_mut(&mut self) -> Option<&mut Ema> {
        self.ema.as_mut()
    }

    /// Adds a batch to the window.
    fn add<P: EvaluationPipeline>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
        held: &mut Held,
        start: Instant,
    ) -> Result<DiagnosticsOf<P>> {
        if self.non_finite != NonFiniteStep::Error {
            self.buffers.keep(pipeline.var_store())?;
        }
        self.optimizer.zero_grad();
        let samples = batch.batch_size()?.map_or(1.0, |samples| samples as f64);
        let (loss, diagnostics) = pipeline.backward(batch)?;
        let is_alone = self.batches_per_window == 1 && self.window.len() == 0;
        let gradients = if is_alone { None } else { Some(gradients::take(&mut held.variables)?) };
        self.window.add(&loss, samples, gradients)?;
        self.meter.add(samples, start);
        Ok(diagnostics)
    }

    /// Clips, looks at what is not finite and has the optimizer step. It gives the norm of the gradient.
    fn close_window<P: EvaluationPipeline>(&mut self, pipeline: &mut P, mut held: Held) -> Result<Tensor> {
        let window = std::mem::take(&mut self.window);
        let losses = window.losses().ok_or(Error::EmptyBatch)?;
        let mut gradients = match window.means() {
            Some(means) => means.iter().filter(|mean| mean.defined()).map(Tensor::shallow_clone).collect(),
            None => gradients::present(&held.variables)?,
        };
        let norm = gradients::clip(&mut gradients, self.clip, losses)?;
        let bad = self.watch.look(self.steps, losses, &norm)?;
        if self.non_finite == NonFiniteStep::Error || self.goes_on(&bad)? {
            let any_frozen = window.means().map_or(Ok(false), |means| gradients::put(&mut held.variables, means))?;
            self.step_optimizer(pipeline)?;
            if any_frozen {
                // It was frozen in the window, whose earlier batches move it once more: a pipeline takes what is frozen
                // for what stays.
                pipeline.changed();
            }
            self.buffers.forget();
        } else {
            self.drop_window(pipeline)?;
        }
        if held.are_all {
            pipeline.stepped();
        }
        Ok(norm)
    }

    /// Has the optimizer step at the learning rate of the step, and the averages follow. What can be refused beforehand
    /// is.
    fn step_optimizer(&mut self, pipeline: &impl EvaluationPipeline) -> Result<()> {
        if let Some(rate) = &self.learning_rate {
            rate.apply(&mut self.optimizer, self.steps)?;
        }
        if let Some(ema) = &mut self.ema {
            ema.follow(pipeline.var_store())?;
        }
        optimizer::step(&mut self.optimizer)?;
        self.steps = self.steps.saturating_add(1);
        self.ema.as_mut().map_or(Ok(()), Ema::average)
    }

    /// Whether the optimizer may step, where it is not to step on what is not finite. It waits for the device.
    fn goes_on(&mut self, bad: &Tensor) -> Result<bool> {
        self.watch.forget();
        match watch::verdict(bad) {
            Ok(()) => {
                self.skipped_in_a_row = 0;
                Ok(true)
            }
            Err(error @ Error::NonFiniteStep { .. }) => {
                self.skipped += 1;
                self.skipped_in_a_row += 1;
                match self.non_finite {
                    NonFiniteStep::SkipAtMost(most) if self.skipped_in_a_row > most => {
                        self.skipped_in_a_row = 0;
                        Err(error)
                    }
                    _ => Ok(false),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Leaves no trace of the window: no gradient, and buffers as they were where they were kept.
    fn drop_window(&mut self, pipeline: &mut impl EvaluationPipeline) -> Result<()> {
        self.window = Window::default();
        self.optimizer.zero_grad();
        self.buffers.restore()?;
        pipeline.changed();
        Ok(())
    }

    /// Drops the window after an error, which says more than one of dropping could.
    fn abandon(&mut self, pipeline: &mut impl EvaluationPipeline) {
        let _ = self.drop_window(pipeline);
    }
}

fn argument(argument: &'static str, expected: &'static str, found: impl fmt::Display) -> Error {
    Error::Argument { operation: "trainer".to_owned(), argument, expected, found: found.to_string() }
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
