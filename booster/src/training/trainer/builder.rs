//! What a trainer does, said before it begins.

use std::fmt;

use tch::nn::Optimizer;

use super::super::{Ema, LearningRate};
use super::gradients::Clip;
use super::{NonFiniteStep, Trainer};
use crate::error::{Error, Result};

/// The options of a [`Trainer`]: made by [`Trainer::builder`], or by [`Trainer::into_builder`] of one that is under way.
#[derive(Debug)]
#[must_use = "call `build`"]
pub struct TrainerBuilder(Trainer);

impl Trainer {
    /// A trainer that steps this optimizer, once for each batch unless it is told to accumulate.
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
    pub fn builder(optimizer: Optimizer) -> TrainerBuilder {
        TrainerBuilder(Self::of(optimizer))
    }

    /// The options, to change them in the middle of a run, as where more batches are accumulated from some step on. What
    /// was trained so far stays, the window that is under way included.
    pub fn into_builder(self) -> TrainerBuilder {
        TrainerBuilder(self)
    }
}

impl TrainerBuilder {
    /// The optimizer steps once for so many batches, with the gradient that their samples have together, whatever the
    /// batches' sizes and [weights](crate::Loss::weighted). In a window that is under way it counts the batches that are
    /// in it: one that has enough is finished by the next.
    pub fn accumulate(mut self, batches: u64) -> Self {
        self.0.batches_per_window = batches;
        self
    }

    /// Gradients are scaled down where their norm, over all parameters, is above this (Pascanu et al., 2013, arXiv
    /// 1211.5063), once for each step of the optimizer. It takes the place of [`clip_value`](Self::clip_value).
    pub fn clip_norm(mut self, norm: f64) -> Self {
        self.0.clip = Some(Clip::Norm(norm));
        self
    }

    /// Each entry of the gradient is brought between `-value` and `value`, once for each step of the optimizer; real and
    /// imaginary part each of what is complex. It takes the place of [`clip_norm`](Self::clip_norm).
    pub fn clip_value(mut self, value: f64) -> Self {
        self.0.clip = Some(Clip::Value(value));
        self
    }

    /// What is done about steps that are not finite. In a window that is under way buffers are kept from the next batch on,
    /// if they were not before.
    pub fn non_finite(mut self, policy: NonFiniteStep) -> Self {
        self.0.non_finite = policy;
        self
    }

    /// The learning rate follows a schedule by the steps of the optimizer.
    pub fn learning_rate(mut self, rate: LearningRate) -> Self {
        self.0.learning_rate = Some(rate);
        self
    }

    /// The average follows each step of the optimizer.
    pub fn ema(mut self, ema: Ema) -> Self {
        self.0.ema = Some(ema);
        self
    }

    /// Goes on after so many steps of the optimizer, which schedules follow. What an optimizer keeps of earlier steps, as
    /// Adam's moments, begins anew: tch cannot save it.
    pub fn resume(mut self, steps: u64) -> Self {
        self.0.steps = steps;
        self
    }

    /// The trainer.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for 0 batches that are accumulated, and for a norm or a value to clip at that is not above 0.
    pub fn build(self) -> Result<Trainer> {
        let Trainer { batches_per_window, clip, .. } = &self.0;
        if *batches_per_window == 0 {
            return Err(argument("batches", batches_per_window));
        }
        match *clip {
            Some(Clip::Norm(norm)) if !is_above_zero(norm) => Err(argument("norm", norm)),
            Some(Clip::Value(value)) if !is_above_zero(value) => Err(argument("value", value)),
            _ => Ok(self.0),
        }
    }
}

fn is_above_zero(number: f64) -> bool {
    !number.is_nan() && number > 0.0
}

fn argument(argument: &'static str, found: impl fmt::Display) -> Error {
    Error::argument("trainer", argument, "above 0", found.to_string())
}
