//! Options of a trainer.

use std::fmt;

use tch::nn;

use super::super::{Ema, LearningRate};
use super::gradients::Clip;
use super::{NonFiniteStep, Trainer};
use crate::error::{Error, Result};
use crate::optim::Optimizer;

/// The options of a [`Trainer`], from [`Trainer::builder`] or, for an existing trainer, [`Trainer::into_builder`].
#[derive(Debug)]
#[must_use = "call `build`"]
pub struct TrainerBuilder<O = nn::Optimizer>(Trainer<O>);

impl<O: Optimizer> Trainer<O> {
    /// Returns a builder for a trainer that steps `optimizer`, by default once per batch.
    ///
    /// ```
    /// # use booster::prelude::*;
    /// # use booster::tch::{Device, nn, nn::OptimizerConfig};
    /// # fn main() -> booster::Result<()> {
    /// # let store = nn::VarStore::new(Device::Cpu);
    /// # let _layer = nn::linear(store.root(), 4, 3, nn::LinearConfig::default());
    /// let optimizer = nn::Adam::default().build(&store, 1e-3)?;
    /// let trainer = Trainer::builder(optimizer).accumulate(4).clip_norm(1.0).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(optimizer: O) -> TrainerBuilder<O> {
        TrainerBuilder(Self::of(optimizer))
    }

    /// Turns the trainer back into a builder, to change options in the middle of a run, such as the number of
    /// accumulated batches. Training progress is kept, including an unfinished window.
    pub fn into_builder(self) -> TrainerBuilder<O> {
        TrainerBuilder(self)
    }
}

impl<O> TrainerBuilder<O> {
    /// Accumulates the gradients of this many batches per optimizer step.
    ///
    /// The step uses the gradient of all samples in the window together, whatever the batches' sizes and
    /// [weights](crate::Loss::weighted). The batches of an unfinished window count toward the new number; if they
    /// already reach it, the next batch completes the window.
    pub fn accumulate(mut self, batches: u64) -> Self {
        self.0.batches_per_window = batches;
        self
    }

    /// Clips the norm of the gradient over all parameters (Pascanu et al., 2013, arXiv 1211.5063), once per optimizer
    /// step.
    ///
    /// This replaces [`clip_value`](Self::clip_value).
    pub fn clip_norm(mut self, norm: f64) -> Self {
        self.0.clip = Some(Clip::Norm(norm));
        self
    }

    /// Clamps each entry of the gradient to `-value..=value`, once per optimizer step. The real and imaginary parts of
    /// complex gradients are clamped separately.
    ///
    /// This replaces [`clip_norm`](Self::clip_norm).
    pub fn clip_value(mut self, value: f64) -> Self {
        self.0.clip = Some(Clip::Value(value));
        self
    }

    /// Sets the policy for non-finite losses and gradients.
    ///
    /// If a policy that skips steps is set in an unfinished window, buffers are copied before the next batch, unless
    /// the window already has copies.
    pub fn non_finite(mut self, policy: NonFiniteStep) -> Self {
        self.0.non_finite = policy;
        self
    }

    /// Sets the learning rate schedule, evaluated at the number of optimizer steps.
    pub fn learning_rate(mut self, rate: LearningRate) -> Self {
        self.0.learning_rate = Some(rate);
        self
    }

    /// Sets a moving average to update after each optimizer step.
    pub fn ema(mut self, ema: Ema) -> Self {
        self.0.ema = Some(ema);
        self
    }

    /// Sets the number of optimizer steps already taken, from which schedules resume.
    ///
    /// Optimizer state, such as Adam's moments, is not restored.
    pub fn resume(mut self, steps: u64) -> Self {
        self.0.steps = steps;
        self
    }

    /// Builds the trainer.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the number of batches is 0, or if the norm or value to clip at is not positive.
    pub fn build(self) -> Result<Trainer<O>> {
        let Trainer { batches_per_window, clip, .. } = &self.0;
        if *batches_per_window == 0 {
            return Err(argument("batches", batches_per_window));
        }
        match *clip {
            Some(Clip::Norm(norm)) if !is_positive(norm) => Err(argument("norm", norm)),
            Some(Clip::Value(value)) if !is_positive(value) => Err(argument("value", value)),
            _ => Ok(self.0),
        }
    }
}

fn is_positive(number: f64) -> bool {
    !number.is_nan() && number > 0.0
}

fn argument(argument: &'static str, found: impl fmt::Display) -> Error {
    Error::argument("trainer", argument, "positive", found.to_string())
}
