//! Training steps with all that goes with them: accumulation, clipping, schedules, averages, a look at NaN.

mod throughput;
mod watch;
mod window;

use booster_sys::scalar::ScalarOps as _;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::time::{Duration, Instant};

use booster_sys::foreach;
use tch::Tensor;
use tch::nn::{Optimizer, VarStore};

use self::throughput::Meter;
pub use self::throughput::Throughput;
use self::watch::Watch;
use self::window::Window;
use super::{Ema, LearningRate};
use crate::Diagnostic;
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::pipeline::{BatchOf, DiagnosticsOf, EvaluationPipeline, Objective};

/// Training steps on any pipeline, with gradient accumulation, clipping, a learning rate that follows a schedule, a
/// moving average of the weights, and a look at losses and gradients that are not finite.
///
/// A step reads nothing back from the device, unless steps are to be [skipped](NonFiniteStep::Skip).
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
#[must_use = "a trainer does nothing until it is given batches"]
pub struct Trainer {
    optimizer: Optimizer,
    batches_per_window: u64,
    clip: Option<Clip>,
    non_finite: NonFiniteStep,
    learning_rate: Option<LearningRate>,
    ema: Option<Ema>,
    window: Window,
    watch: Watch,
    meter: Meter,
    steps: u64,
    skipped: u64,
    skipped_in_a_row: u64,
}

#[derive(Clone, Copy, Debug)]
enum Clip {
    Norm(f64),
    Value(f64),
}

/// What is done about a step whose loss or gradient is NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFiniteStep {
    /// Training goes on, without waiting for the device; [`Trainer::close`] and [`Trainer::check`] are errors that name
    /// the first such step.
    #[default]
    Error,
    /// The optimizer does not step: parameters and its own state stay as they are. One number is read from the device
    /// for each step of the optimizer.
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
    /// The Euclidean norm of the gradient of all parameters, before it is clipped: a 0-dimensional tensor. `None` where
    /// the window goes on.
    #[group = "step"]
    pub gradient_norm: Option<Tensor>,
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
            watch: Watch::default(),
            meter: Meter::default(),
            steps: 0,
            skipped: 0,
            skipped_in_a_row: 0,
        }
    }

    /// The optimizer steps once for so many batches, with the gradient that their samples have together, whatever the
    /// batches' sizes and [weights](crate::Loss::weighted).
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

    /// Each entry of the gradient is brought between `-value` and `value`, once for each step of the optimizer. It takes
    /// the place of [`clip_norm`](Self::clip_norm).
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

    /// What is done about steps that are not finite.
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
    /// After an error there is no gradient left, of this batch or the others of the window.
    ///
    /// # Errors
    /// Those of [`EvaluationPipeline::backward`]; [`Error::NonFiniteStep`] where too many steps
    /// [in a row](NonFiniteStep::SkipAtMost) were not finite; [`Error::Argument`] and [`Error::Variable`] where learning
    /// rates or averages are of another model.
    pub fn step<P: EvaluationPipeline>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
    ) -> Result<Trained<DiagnosticsOf<P>>> {
        let start = Instant::now();
        let outcome = self.add(pipeline, batch, start);
        let outcome = outcome.and_then(|diagnostics| {
            let is_full = self.window.len() == self.batches_per_window;
            let gradient_norm = if is_full { Some(self.close_window(pipeline)?) } else { None };
            Ok(Trained { diagnostics, elapsed: start.elapsed(), gradient_norm })
        });
        outcome.inspect_err(|_| self.abandon())
    }

    /// Has the optimizer step for a window that is not full, as at the end of an epoch, and tells whether losses and
    /// gradients were finite. It waits for the device.
    ///
    /// # Errors
    /// [`Error::NonFiniteStep`] that names the first bad step since this, or [`check`](Self::check), was last called;
    /// others as [`step`](Self::step) has.
    pub fn close<P: EvaluationPipeline>(&mut self, pipeline: &mut P) -> Result<()> {
        if self.window.len() > 0 {
            let _norm = self.close_window(pipeline).inspect_err(|_| self.abandon())?;
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

    /// The average of the weights, to evaluate with or to save.
    pub fn ema_mut(&mut self) -> Option<&mut Ema> {
        self.ema.as_mut()
    }

    /// Adds a batch to the window.
    fn add<P: EvaluationPipeline>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
        start: Instant,
    ) -> Result<DiagnosticsOf<P>> {
        if self.window.len() == 0 {
            self.optimizer.zero_grad();
        }
        let samples = batch.batch_size()?.map_or(1.0, |samples| samples as f64);
        let objective = if self.batches_per_window == 1 { Objective::Mean } else { Objective::Sum };
        let (loss, diagnostics) = pipeline.backward(batch, objective)?;
        self.window.add(&loss, samples)?;
        self.meter.add(samples, start);
        Ok(diagnostics)
    }

    /// Divides, clips, looks at what is not finite and has the optimizer step. It gives the norm of the gradient.
    fn close_window<P: EvaluationPipeline>(&mut self, pipeline: &mut P) -> Result<Tensor> {
        let window = std::mem::take(&mut self.window);
        let losses = window.losses().ok_or(Error::EmptyBatch)?;
        let mut gradients = gradients(pipeline.var_store())?;
        let share = if self.batches_per_window == 1 { None } else { Some(window.share(losses.device())?) };
        let norm = scale(&mut gradients, share.as_ref(), self.clip)?;
        let bad = self.watch.look(self.steps, losses, &norm)?;
        if self.non_finite == NonFiniteStep::Error || self.goes_on(&bad)? {
            if let Some(rate) = &self.learning_rate {
                rate.apply(&mut self.optimizer, self.steps)?;
            }
            self.optimizer.step();
            if let Some(ema) = &mut self.ema {
                ema.update(pipeline.var_store())?;
            }
            self.steps += 1;
        }
        pipeline.stepped();
        Ok(norm)
    }

    /// Whether the optimizer may step, where it is not to step on what is not finite. It waits for the device.
    fn goes_on(&mut self, bad: &Tensor) -> Result<bool> {
        self.watch.forget();
        let Err(error) = watch::verdict(bad) else {
            self.skipped_in_a_row = 0;
            return Ok(true);
        };
        self.skipped += 1;
        self.skipped_in_a_row += 1;
        self.optimizer.zero_grad();
        match (error, self.non_finite) {
            (error @ Error::NonFiniteStep { .. }, NonFiniteStep::SkipAtMost(most)) if self.skipped_in_a_row > most => {
                self.skipped_in_a_row = 0;
                Err(error)
            }
            (Error::NonFiniteStep { .. }, _) => Ok(false),
            (error, _) => Err(error),
        }
    }

    fn abandon(&mut self) {
        self.window = Window::default();
        self.optimizer.zero_grad();
    }
}

/// The gradients that there are; one of a variable with several names once.
fn gradients(variables: &VarStore) -> Result<Vec<Tensor>> {
    let mut seen = HashSet::new();
    let mut gradients = Vec::new();
    for variable in variables.trainable_variables() {
        let gradient = variable.f_grad()?;
        // Sparse ones have no memory of their own to tell them by.
        let is_new = gradient.defined() && (gradient.is_sparse() || seen.insert(gradient.data_ptr()));
        if is_new {
            gradients.push(gradient);
        }
    }
    Ok(gradients)
}

/// Brings summed gradients to their mean and clips that. It gives the mean's norm, before it is clipped.
fn scale(gradients: &mut [Tensor], share: Option<&Tensor>, clip: Option<Clip>) -> Result<Tensor> {
    let norm = foreach::global_norm(gradients)?;
    let share = share.map(|share| share.f_to_device_(norm.device(), norm.f_kind()?, false, false)).transpose()?;
    let norm = share.as_ref().map_or(Ok(norm.shallow_clone()), |share| norm.f_mul(share))?;
    let factor = match clip {
        // As PyTorch's `clip_grad_norm_` has it.
        Some(Clip::Norm(most)) => {
            let clip = norm.try_add_scalar(1e-6)?.f_reciprocal()?.try_mul_scalar(most)?.try_clamp_max(1.0)?;
            Some(share.as_ref().map_or(Ok(clip.shallow_clone()), |share| clip.f_mul(share))?)
        }
        Some(Clip::Value(_)) | None => share,
    };
    if let Some(factor) = factor {
        foreach::multiply(gradients, &factor)?;
    }
    if let Some(Clip::Value(most)) = clip {
        let _no_grad = tch::no_grad_guard();
        for gradient in gradients {
            let _ = gradient.try_clamp_(-most, most)?;
        }
    }
    Ok(norm)
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
