//! Schedules: values that follow the step.

mod argument;
mod curve;
mod one_cycle;
#[cfg(test)]
mod plot;
mod shape;

use serde::{Deserialize, Serialize};

pub use self::one_cycle::OneCycle;
use self::shape::{Piece, Shape};
use crate::error::{Error, Result};

/// A value that follows the step: a learning rate, the weight of a term of the loss, a temperature.
///
/// It is a value itself, not something that is stepped: [`at`](Self::at) tells what holds at a step, and what is resumed
/// at a step goes on from there with nothing to load. Every step has a finite value: periods may be empty, in which case
/// the end is reached at once, and arguments that could lead to NaN are refused when the schedule is made or read.
///
/// A step is what the caller counts: optimizer steps most often, and epochs where a value changes between them. Evaluator
/// parameters are set by assignment, learning rates by a [`LearningRate`](super::LearningRate):
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::{Device, Kind, Tensor, nn};
///
/// #[evaluator]
/// fn decayed(model: &nn::Linear, batch: &Labeled, mode: Mode, #[param] beta: f64) -> booster::Result<Tensor> {
///     #[group = "loss"]
///     let penalty: Tensor = model.ws.f_square()?.f_sum(Kind::Float)? * beta;
///     Ok(penalty.shallow_clone())
/// }
///
/// # fn main() -> booster::Result<()> {
/// # let net = |path: &nn::Path<'_>| nn::linear(path, 4, 2, nn::LinearConfig::default());
/// let beta = Schedule::cosine(0.0, 1.0, 1000)?;
/// let mut pipeline = Pipeline::build(Device::Cpu, net, Decayed::new(0.0));
/// for step in 0..3 {
///     pipeline.evaluator_mut().beta = beta.at(step);
///     // training_step(&mut pipeline, ..)
/// }
/// # assert_eq!(pipeline.evaluator().beta, beta.at(2));
/// # Ok(())
/// # }
/// ```
///
/// Schedules are put together. Here is what many language models are trained with, and the weight of the Kullback-Leibler
/// term that Fu et al. (2019, arXiv 1903.10145) let rise again and again:
///
/// ```
/// # use booster::prelude::*;
/// # fn main() -> booster::Result<()> {
/// let rate = Schedule::cosine(3e-4, 3e-5, 10_000)?.warm_up(500);
/// assert_eq!((rate.at(0), rate.at(500), rate.at(10_500)), (0.0, 3e-4, 3e-5));
///
/// let beta = Schedule::linear(0.0, 1.0, 500)?.repeat(1000);
/// assert_eq!((beta.at(250), beta.at(750), beta.at(1250)), (0.5, 1.0, 0.5));
/// # Ok(())
/// # }
/// ```
///
/// Through serde they are readable, `{"cosine":{"from":0.0003,"to":0.0,"steps":10000}}`, and come back to the last bit;
/// numbers of more digits than all readers of text take exactly are written as strings.
///
/// The pictures below are of 60 steps each, between the least value in them and the greatest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Shape")]
pub struct Schedule(Shape);

impl TryFrom<Shape> for Schedule {
    type Error = Error;

    fn try_from(shape: Shape) -> Result<Self> {
        shape.check()?;
        Ok(Self(shape))
    }
}

impl Schedule {
    /// The value at a step. It depends on nothing else, and is finite.
    pub fn at(&self, step: u64) -> f64 {
        self.0.at(step)
    }

    /// The same value at all steps.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the value is not finite.
    pub fn constant(value: f64) -> Result<Self> {
        Shape::Constant { value }.try_into()
    }

    /// A straight line from `from` at step 0 to `to` at step `steps`, and `to` from there on.
    ///
    /// ```text
    /// ████▇▇▇▇▇▇▇▆▆▆▆▆▆▆▅▅▅▅▅▅▅▅▄▄▄▄▄▄▄▃▃▃▃▃▃▃▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] where an end is not finite.
    pub fn linear(from: f64, to: f64, steps: u64) -> Result<Self> {
        Shape::Linear { from, to, steps }.try_into()
    }

    /// Half a cosine from `from` at step 0 to `to` at step `steps`, and `to` from there on: flat at both ends.
    ///
    /// With a [repetition](Self::repeat) it is the SGDR of Loshchilov and Hutter (2016, arXiv 1608.03983), and without
    /// PyTorch's `CosineAnnealingLR`.
    ///
    /// ```text
    /// █████████▇▇▇▇▇▇▇▆▆▆▆▆▅▅▅▅▅▄▄▄▄▃▃▃▃▃▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] where an end is not finite.
    pub fn cosine(from: f64, to: f64, steps: u64) -> Result<Self> {
        Shape::Cosine { from, to, steps }.try_into()
    }

    /// From `from` at step 0 to `to` at step `steps` by the same factor at each step, and `to` from there on.
    ///
    /// ```text
    /// █▇▇▆▆▅▅▅▄▄▄▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] where an end is not finite, is 0 or differs from the other in sign.
    pub fn exponential(from: f64, to: f64, steps: u64) -> Result<Self> {
        Shape::Exponential { from, to, steps }.try_into()
    }

    /// Comes closer to `to` by the factor `rate` every `steps` steps: `to + (from - to) * rate^(step / steps)`.
    ///
    /// It never passes `to`. With `to = 0` and `steps = 1` it is PyTorch's `ExponentialLR`; with a
    /// [staircase](Self::staircase) of as many steps, its `StepLR`.
    ///
    /// ```text
    /// ██▇▇▆▆▆▅▅▅▄▄▄▄▄▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] where an end is not finite, or the rate is not in `0..=1`.
    pub fn decay(from: f64, to: f64, rate: f64, steps: u64) -> Result<Self> {
        Shape::Decay { from, to, rate, steps }.try_into()
    }

    /// The 1cycle policy: up to a maximum and further down than it began, each along half a cosine.
    ///
    /// Smith and Topin (2018, arXiv 1708.07120), in the form of PyTorch's `OneCycleLR`. The last value holds from step
    /// `steps - 1` on.
    ///
    /// ```
    /// # use booster::prelude::*;
    /// use booster::training::OneCycle;
    ///
    /// # fn main() -> booster::Result<()> {
    /// let rate = Schedule::one_cycle(OneCycle::new(0.1, 1000))?;
    /// assert_eq!((rate.at(0), rate.at(299), rate.at(999)), (0.004, 0.1, 0.004 / 1e4));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```text
    /// ▁▁▂▂▂▃▃▄▄▅▆▆▇▇▇██████████▇▇▇▇▇▆▆▆▆▆▅▅▅▄▄▄▄▃▃▃▃▃▂▂▂▂▂▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] where `max` is not finite, `pct_start` is not in `0..=1`, or a divisor is not positive.
    pub fn one_cycle(cycle: OneCycle) -> Result<Self> {
        Shape::OneCycle(cycle).try_into()
    }

    /// A straight line from 0 at step 0 to the schedule's start at step `steps`, and the schedule from there on.
    ///
    /// The schedule's own steps begin after the warm-up: `cosine(1.0, 0.0, 900)?.warm_up(100)` ends at step 1000. Its
    /// first value is 0, with which an optimizer step changes nothing; [`warm_up_from`](Self::warm_up_from) starts
    /// elsewhere.
    ///
    /// ```text
    /// ▁▂▂▃▃▄▅▅▆▆▇▇█████████▇▇▇▇▇▇▆▆▆▆▆▅▅▅▅▅▄▄▄▄▃▃▃▃▃▂▂▂▂▂▂▁▁▁▁▁▁▁▁
    /// ```
    pub fn warm_up(self, steps: u64) -> Self {
        Self(Shape::WarmUp { from: 0.0, steps, schedule: Box::new(self.0) })
    }

    /// A [warm-up](Self::warm_up) from another value than 0.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the value is not finite.
    pub fn warm_up_from(self, from: f64, steps: u64) -> Result<Self> {
        Shape::WarmUp { from, steps, schedule: Box::new(self.0) }.try_into()
    }

    /// This schedule before step `start`, and another from there on, whose own steps begin there.
    ///
    /// More can follow, all counted from the beginning; one that starts where another has not yet begun replaces it.
    ///
    /// ```
    /// # use booster::prelude::*;
    /// # fn main() -> booster::Result<()> {
    /// let flat = Schedule::constant(1.0)?.then(700, Schedule::linear(1.0, 0.0, 300)?);
    /// assert_eq!((flat.at(0), flat.at(700), flat.at(850), flat.at(1000)), (1.0, 1.0, 0.5, 0.0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// ```text
    /// ██████████████████████████████████████████▇▇▇▆▆▅▅▅▄▄▄▃▃▂▂▂▁▁
    /// ```
    pub fn then(self, start: u64, next: Self) -> Self {
        let mut pieces = match self.0 {
            Shape::Piecewise { pieces } => pieces,
            shape => vec![Piece { start: 0, schedule: shape }],
        };
        pieces.retain(|piece| piece.start < start);
        pieces.push(Piece { start, schedule: next.0 });
        Self(Shape::Piecewise { pieces })
    }

    /// Begins again every `steps` steps. Where these are 0 it stays at its start.
    ///
    /// ```text
    /// ████▇▇▇▆▆▅▄▄▃▃▂▂▂▁▁▁████▇▇▇▆▆▅▄▄▃▃▂▂▂▁▁▁████▇▇▇▆▆▅▄▄▃▃▂▂▂▁▁▁
    /// ```
    pub fn repeat(self, steps: u64) -> Self {
        Self(Shape::Repeat { steps, schedule: Box::new(self.0) })
    }

    /// Changes its value only every `steps` steps. Where these are 0 or 1 nothing changes.
    ///
    /// ```text
    /// ██████████▇▇▇▇▇▇▇▇▇▇▅▅▅▅▅▅▅▅▅▅▄▄▄▄▄▄▄▄▄▄▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁
    /// ```
    pub fn staircase(self, steps: u64) -> Self {
        Self(Shape::Staircase { steps, schedule: Box::new(self.0) })
    }

    /// All values times a factor, at most those that an `f64` can hold.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the factor is not finite.
    pub fn scale(self, factor: f64) -> Result<Self> {
        Shape::Scale { factor, schedule: Box::new(self.0) }.try_into()
    }
}
