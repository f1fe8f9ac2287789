//! Steps of a trainer: batches fill a window, and a full window steps the optimizer.

use std::time::Instant;

use tch::Tensor;

use super::super::{Ema, Step};
use super::window::Window;
use super::{NonFiniteStep, Trainer, gradients, monitor};
use crate::batch::Batch as _;
use crate::error::{Error, Result};
use crate::evaluation::Loss;
use crate::optim::{Held, Optimizer};
use crate::pipeline::{BatchOf, DiagnosticsOf, EvaluationPipeline, OutputOf};

impl<O: Optimizer> Trainer<O> {
    /// Evaluates a batch and adds its gradient to the window's. Steps the optimizer once the window is full.
    ///
    /// If the batch or the optimizer fails, the gradients of the whole window are discarded.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the optimizer holds none of the pipeline's variables, if learning rates or
    /// averages belong to another model, or if a variable's shape differs from its average's; [`Error::NonFiniteStep`]
    /// if too many steps [in a row](NonFiniteStep::SkipAtMost) were not finite; [`Error::Torch`] if the optimizer
    /// rejects a gradient, in which case other variables may already be updated; and the errors of
    /// [`EvaluationPipeline::backward`].
    pub fn step<P: EvaluationPipeline>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
    ) -> Result<Step<DiagnosticsOf<P>>> {
        self.step_by(pipeline, batch, |pipeline| {
            pipeline.backward(batch).map(|(loss, diagnostics)| (loss, diagnostics, ()))
        })
    }

    /// Performs a [`step`](Self::step) and also returns the evaluator's output, detached from the graph.
    ///
    /// Use it for predictions on the training data, or for state that carries over to the next batch (truncated
    /// backpropagation through time).
    ///
    /// # Errors
    /// Returns the errors of [`step`](Self::step).
    pub fn step_with_output<P: EvaluationPipeline>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
    ) -> Result<Step<DiagnosticsOf<P>, OutputOf<P>>> {
        self.step_by(pipeline, batch, |pipeline| pipeline.backward_with_output(batch))
    }

    /// Steps the optimizer on an incomplete window, for example at the end of an epoch, and [checks](Self::check) for
    /// non-finite losses and gradients. Waits for the device.
    ///
    /// # Errors
    /// Returns [`Error::NonFiniteStep`] with the first non-finite step since the last call to this method or to
    /// [`check`](Self::check), and the errors of [`step`](Self::step).
    pub fn finish_window<P: EvaluationPipeline>(&mut self, pipeline: &mut P) -> Result<()> {
        let held = Held::of(&self.optimizer, pipeline.var_store())?;
        if self.window.len() > 0 {
            let _norm = self.step_on_window(pipeline, held).inspect_err(|_| self.abandon(pipeline))?;
        }
        self.check()
    }

    /// Checks that losses and gradients have been finite in all optimizer steps since the last call. Waits for the
    /// device.
    ///
    /// # Errors
    /// Returns [`Error::NonFiniteStep`] with the first non-finite step since the last call.
    pub fn check(&mut self) -> Result<()> {
        self.monitor.take()
    }

    /// Performs a step whose gradients come from `backward`.
    fn step_by<P: EvaluationPipeline, T>(
        &mut self,
        pipeline: &mut P,
        batch: &BatchOf<P>,
        backward: impl FnOnce(&mut P) -> Result<(Loss, DiagnosticsOf<P>, T)>,
    ) -> Result<Step<DiagnosticsOf<P>, T>> {
        let start = Instant::now();
        let held = Held::of(&self.optimizer, pipeline.var_store())?;
        let outcome = batch.batch_size();
        let outcome = outcome.and_then(|batch_size| self.try_step(pipeline, batch_size, held, start, backward));
        outcome.inspect_err(|_| self.abandon(pipeline))
    }

    fn try_step<P: EvaluationPipeline, T>(
        &mut self,
        pipeline: &mut P,
        batch_size: Option<i64>,
        mut held: Held,
        start: Instant,
        backward: impl FnOnce(&mut P) -> Result<(Loss, DiagnosticsOf<P>, T)>,
    ) -> Result<Step<DiagnosticsOf<P>, T>> {
        let learning_rate = self.learning_rate.as_ref().map(|rate| rate.at(self.steps, 0));
        let (loss, diagnostics, output) = self.add(pipeline, batch_size, &mut held, start, backward)?;
        let is_full = self.window.len() >= self.batches_per_window;
        let gradient_norm = if is_full { Some(self.step_on_window(pipeline, held)?) } else { None };
        let elapsed = start.elapsed();
        Ok(Step { diagnostics, loss, elapsed, gradient_norm, learning_rate, batch_size, output })
    }

    /// Adds a batch to the window.
    fn add<P: EvaluationPipeline, T>(
        &mut self,
        pipeline: &mut P,
        batch_size: Option<i64>,
        held: &mut Held,
        start: Instant,
        backward: impl FnOnce(&mut P) -> Result<(Loss, DiagnosticsOf<P>, T)>,
    ) -> Result<(Loss, DiagnosticsOf<P>, T)> {
        if self.window.len() == 0 {
            // If the optimizer panicked, the buffer copies of the previous window are still stored.
            self.buffers.invalidate();
        }
        if self.non_finite != NonFiniteStep::Error {
            self.buffers.keep(pipeline.var_store())?;
        }
        self.optimizer.zero_grad()?;
        let samples = batch_size.map_or(1.0, |samples| samples as f64);
        let found = backward(pipeline)?;
        let is_alone = self.batches_per_window == 1 && self.window.len() == 0;
        let gradients = if is_alone { None } else { Some(gradients::take(&mut held.variables)?) };
        self.window.add(&found.0, samples, gradients)?;
        self.meter.add(samples, start);
        Ok(found)
    }

    /// Clips the gradients, checks for non-finite values and steps the optimizer. Returns the norm of the gradient.
    fn step_on_window<P: EvaluationPipeline>(&mut self, pipeline: &mut P, mut held: Held) -> Result<Tensor> {
        let window = std::mem::take(&mut self.window);
        let losses = window.losses().ok_or(Error::EmptyBatch)?;
        let mut gradients = match window.means() {
            Some(means) => means.iter().filter(|mean| mean.defined()).map(Tensor::shallow_clone).collect(),
            None => gradients::present(&held.variables)?,
        };
        let norm = gradients::clip(&mut gradients, self.clip, losses)?;
        let bad = self.monitor.look(self.steps, losses, &norm)?;
        if self.non_finite == NonFiniteStep::Error || self.accepts(&bad)? {
            let any_frozen = window.means().map_or(Ok(false), |means| gradients::put(&mut held.variables, means))?;
            self.step_optimizer(pipeline)?;
            if any_frozen {
                // A variable that was frozen during the window is still updated with the gradients of earlier batches,
                // but a pipeline assumes that frozen variables do not change.
                pipeline.changed();
            }
            self.buffers.invalidate();
        } else {
            self.drop_window(pipeline)?;
        }
        if held.are_all {
            pipeline.stepped();
        }
        Ok(norm)
    }

    /// Steps the optimizer at the current learning rate and updates the averages. Mismatches are detected before the
    /// optimizer steps.
    fn step_optimizer(&mut self, pipeline: &impl EvaluationPipeline) -> Result<()> {
        if let Some(rate) = &self.learning_rate {
            rate.apply(&mut self.optimizer, self.steps)?;
        }
        if let Some(ema) = &mut self.ema {
            ema.sync(pipeline.var_store())?;
        }
        self.optimizer.step()?;
        self.steps = self.steps.saturating_add(1);
        self.ema.as_mut().map_or(Ok(()), Ema::average)
    }

    /// Returns whether the step is finite, and counts skipped steps. Waits for the device.
    fn accepts(&mut self, bad: &Tensor) -> Result<bool> {
        self.monitor.invalidate();
        match monitor::verdict(bad) {
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

    /// Undoes the window: zeroes gradients, and restores buffers if they were copied.
    fn drop_window(&mut self, pipeline: &mut impl EvaluationPipeline) -> Result<()> {
        self.window = Window::default();
        self.optimizer.zero_grad()?;
        self.buffers.restore()?;
        pipeline.changed();
        Ok(())
    }

    /// Drops the window after an error. An error in dropping it is ignored, since the first error is more informative.
    fn abandon(&mut self, pipeline: &mut impl EvaluationPipeline) {
        let _ = self.drop_window(pipeline);
    }
}
