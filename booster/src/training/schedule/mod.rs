//! Schedules: values that depend on the step.

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

/// A value that depends on the step: a learning rate, the weight of a loss term, a temperature.
///
/// A schedule has no state: [`at`](Self::at) returns the value of any step, so a resumed run has nothing to load.
/// Values are always finite: an empty period reaches its end at once, and arguments that could lead to NaN are rejected
/// when a schedule is created or deserialized.
///
/// The caller decides what a step is: usually an optimizer step, or an epoch for values that change between epochs.
/// Assign values to evaluator parameters, and set learning rates with a [`LearningRate`](super::LearningRate):
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
/// Schedules can be combined. The first schedule below is common for language models. The second is the cyclical weight
/// of the KL divergence from Fu et al. (2019, arXiv 1903.10145):
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
/// The serde format is readable, `{"cosine":{"from":0.0003,"to":0.0,"steps":10000}}`, and round-trips exactly. A
/// number with more digits than every parser reads exactly is written as a string.
///
/// The plots below show 60 steps each, scaled from their minimum to their maximum.
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
    /// Returns the value at a step, which is always finite.
    pub fn at(&self, step: u64) -> f64 {
        self.0.at(step)
    }

    /// Creates a schedule with the same value at all steps.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `value` is not finite.
    pub fn constant(value: f64) -> Result<Self> {
        Shape::Constant { value }.try_into()
    }

    /// Follows a straight line from `from` at step 0 to `to` at step `steps`, and stays there.
    ///
    /// ```text
    /// ████▇▇▇▇▇▇▇▆▆▆▆▆▆▆▅▅▅▅▅▅▅▅▄▄▄▄▄▄▄▃▃▃▃▃▃▃▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `from` or `to` is not finite.
    pub fn linear(from: f64, to: f64, steps: u64) -> Result<Self> {
        Shape::Linear { from, to, steps }.try_into()
    }

    /// Follows half a cosine, flat at both ends, from `from` at step 0 to `to` at step `steps`, and stays there.
    ///
    /// With [`repeat`](Self::repeat), this is the SGDR of Loshchilov and Hutter (2016, arXiv 1608.03983); without it,
    /// PyTorch's `CosineAnnealingLR`.
    ///
    /// ```text
    /// █████████▇▇▇▇▇▇▇▆▆▆▆▆▅▅▅▅▅▄▄▄▄▃▃▃▃▃▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `from` or `to` is not finite.
    pub fn cosine(from: f64, to: f64, steps: u64) -> Result<Self> {
        Shape::Cosine { from, to, steps }.try_into()
    }

    /// Multiplies by the same factor at each step, from `from` at step 0 to `to` at step `steps`, and stays there.
    ///
    /// ```text
    /// █▇▇▆▆▅▅▅▄▄▄▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `from` or `to` is 0 or not finite, or if their signs differ.
    pub fn exponential(from: f64, to: f64, steps: u64) -> Result<Self> {
        Shape::Exponential { from, to, steps }.try_into()
    }

    /// Multiplies the distance to `to` by `rate` every `steps` steps: `to + (from - to) * rate^(step / steps)`.
    ///
    /// The value never passes `to`. With `to = 0` and `steps = 1` it is PyTorch's `ExponentialLR`; with a
    /// [staircase](Self::staircase) of the same `steps`, its `StepLR`.
    ///
    /// ```text
    /// ██▇▇▆▆▆▅▅▅▄▄▄▄▄▃▃▃▃▃▃▃▂▂▂▂▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `from` or `to` is not finite, or `rate` is not in `0..=1`.
    pub fn decay(from: f64, to: f64, rate: f64, steps: u64) -> Result<Self> {
        Shape::Decay { from, to, rate, steps }.try_into()
    }

    /// Follows the 1cycle policy: half a cosine up to a maximum, then half a cosine down to a value below the start.
    ///
    /// From Smith and Topin (2018, arXiv 1708.07120), in the form of PyTorch's `OneCycleLR`. The value is constant from
    /// step `steps - 1` on.
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
    /// Returns [`Error::Mismatch`] if `max` is not finite, `pct_start` is not in `0..=1`, or a divisor is not positive.
    pub fn one_cycle(cycle: OneCycle) -> Result<Self> {
        Shape::OneCycle(cycle).try_into()
    }

    /// Prepends a linear warm-up of `steps` steps, from 0 to the schedule's start.
    ///
    /// The schedule's own steps begin after the warm-up: `cosine(1.0, 0.0, 900)?.warm_up(100)` ends at step 1000. The
    /// first value is 0, so the first optimizer step changes nothing; use [`warm_up_from`](Self::warm_up_from) for
    /// another start.
    ///
    /// ```text
    /// ▁▂▂▃▃▄▅▅▆▆▇▇█████████▇▇▇▇▇▇▆▆▆▆▆▅▅▅▅▅▄▄▄▄▃▃▃▃▃▂▂▂▂▂▂▁▁▁▁▁▁▁▁
    /// ```
    pub fn warm_up(self, steps: u64) -> Self {
        Self(Shape::WarmUp { from: 0.0, steps, schedule: Box::new(self.0) })
    }

    /// Prepends a [warm-up](Self::warm_up) that starts at `from` instead of 0.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `from` is not finite.
    pub fn warm_up_from(self, from: f64, steps: u64) -> Result<Self> {
        Shape::WarmUp { from, steps, schedule: Box::new(self.0) }.try_into()
    }

    /// Switches to the schedule `next` at step `start`, which is step 0 of `next`.
    ///
    /// Calls can be chained, with each `start` counted from step 0; a later call removes schedules that would start at
    /// or after its `start`.
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

    /// Restarts every `steps` steps; if `steps` is 0, the value stays at the start.
    ///
    /// ```text
    /// ████▇▇▇▆▆▅▄▄▃▃▂▂▂▁▁▁████▇▇▇▆▆▅▄▄▃▃▂▂▂▁▁▁████▇▇▇▆▆▅▄▄▃▃▂▂▂▁▁▁
    /// ```
    pub fn repeat(self, steps: u64) -> Self {
        Self(Shape::Repeat { steps, schedule: Box::new(self.0) })
    }

    /// Changes the value only every `steps` steps; 0 and 1 have no effect.
    ///
    /// ```text
    /// ██████████▇▇▇▇▇▇▇▇▇▇▅▅▅▅▅▅▅▅▅▅▄▄▄▄▄▄▄▄▄▄▂▂▂▂▂▂▂▂▂▂▁▁▁▁▁▁▁▁▁▁
    /// ```
    pub fn staircase(self, steps: u64) -> Self {
        Self(Shape::Staircase { steps, schedule: Box::new(self.0) })
    }

    /// Multiplies all values by a factor, clamped to the finite range of `f64`.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the factor is not finite.
    pub fn scale(self, factor: f64) -> Result<Self> {
        Shape::Scale { factor, schedule: Box::new(self.0) }.try_into()
    }
}
