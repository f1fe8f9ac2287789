//! Tracking of the best summary, and early stopping.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::serde_f64;
use crate::diagnostic::number;
use crate::error::{Error, Result};

/// The best summary so far by one of its values, for saving the best model and for early stopping.
///
/// The value is selected by a closure, so a misspelled metric does not compile. NaN and infinite values never count as
/// the best.
///
/// ```
/// use booster::prelude::*;
/// use booster::evaluation::ClassificationDiagnosticsSummary;
///
/// # fn summary(accuracy: f64) -> booster::Result<ClassificationDiagnosticsSummary> {
/// #     let json = format!(r#"{{"loss":{{"nll":0.5}},"metrics":{{"accuracy":{accuracy}}}}}"#);
/// #     serde_json::from_str(&json).map_err(booster::Error::custom)
/// # }
/// # fn main() -> booster::Result<()> {
/// let mut best = Best::maximize(|summary: &ClassificationDiagnosticsSummary| summary.metrics.accuracy).patience(2);
/// # let mut saved = Vec::new();
/// for (epoch, accuracy) in [0.5, 0.75, 0.625, 0.75, 0.875].into_iter().enumerate() {
///     let summary = summary(accuracy)?; // of a validation
///     let verdict = best.update(&summary, epoch as u64);
///     if verdict.is_best {
///         // save the model
/// #       saved.push(epoch);
///     }
///     if verdict.should_stop {
///         break;
///     }
/// }
/// assert_eq!(best.to_string(), "best 0.7500 at step 1");
/// # assert_eq!(saved, [0, 1]);
/// # Ok(())
/// # }
/// ```
pub struct Best<S> {
    value: Box<dyn Fn(&S) -> f64 + Send>,
    direction: Direction,
    minimum_gain: f64,
    patience: Option<u64>,
    state: BestState,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Up,
    Down,
}

/// The state of a [`Best`], to be saved and loaded with serde.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestState {
    best: Option<Scored>,
    since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scored {
    #[serde(with = "serde_f64")]
    value: f64,
    step: u64,
}

/// The result of [`Best::update`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BestUpdate {
    /// Whether this summary is the best so far, and the model should be saved.
    pub is_best: bool,
    /// Whether the [patience](Best::patience) has run out, and training should stop.
    pub should_stop: bool,
}

impl<S> Best<S> {
    /// Tracks the greatest value, such as an accuracy.
    pub fn maximize(value: impl Fn(&S) -> f64 + Send + 'static) -> Self {
        Self::new(value, Direction::Up)
    }

    /// Tracks the smallest value, such as a loss.
    pub fn minimize(value: impl Fn(&S) -> f64 + Send + 'static) -> Self {
        Self::new(value, Direction::Down)
    }

    fn new(value: impl Fn(&S) -> f64 + Send + 'static, direction: Direction) -> Self {
        Self { value: Box::new(value), direction, minimum_gain: 0.0, patience: None, state: BestState::default() }
    }

    /// Requires values to improve on the best by more than `gain`, in their own unit.
    ///
    /// Values are compared with the best, not with the previous value, so small gains add up.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `gain` is negative or not finite.
    pub fn minimum_gain(mut self, gain: f64) -> Result<Self> {
        if !(gain.is_finite() && gain >= 0.0) {
            return Err(Error::argument("best", "minimum_gain", "finite and at least 0", gain.to_string()));
        }
        self.minimum_gain = gain;
        Ok(self)
    }

    /// Stops after this many consecutive updates without improvement; 0 is the same as 1.
    pub fn patience(mut self, updates: u64) -> Self {
        self.patience = Some(updates);
        self
    }

    /// Records the summary of `step`, which may also be an epoch.
    pub fn update(&mut self, summary: &S, step: u64) -> BestUpdate {
        let value = (self.value)(summary);
        let is_best = value.is_finite() && self.state.best.is_none_or(|best| self.gain(best.value, value));
        if is_best {
            self.state = BestState { best: Some(Scored { value, step }), since: 0 };
        } else {
            self.state.since = self.state.since.saturating_add(1);
        }
        BestUpdate {
            is_best,
            should_stop: !is_best && self.patience.is_some_and(|patience| self.state.since >= patience),
        }
    }

    fn gain(&self, best: f64, value: f64) -> bool {
        match self.direction {
            Direction::Up => value > best + self.minimum_gain,
            Direction::Down => value < best - self.minimum_gain,
        }
    }

    /// Returns the best value, if any.
    pub fn value(&self) -> Option<f64> {
        self.state.best.map(|best| best.value)
    }

    /// Returns the step of the best value, if any.
    pub fn step(&self) -> Option<u64> {
        self.state.best.map(|best| best.step)
    }

    /// Returns the number of updates since the best value.
    pub fn since(&self) -> u64 {
        self.state.since
    }

    /// Returns the state to save, without the closure.
    ///
    /// ```
    /// # fn main() -> serde_json::Result<()> {
    /// use booster::prelude::*;
    ///
    /// let loss = || Best::minimize(|loss: &f64| *loss);
    /// let mut best = loss();
    /// best.update(&0.5, 10);
    /// let json = serde_json::to_string(&best.state())?;
    ///
    /// let resumed = loss().with_state(serde_json::from_str(&json)?);
    /// assert_eq!((resumed.value(), resumed.step()), (Some(0.5), Some(10)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn state(&self) -> BestState {
        self.state
    }

    /// Restores a saved state, which must come from a `Best` with the same value and direction.
    pub fn with_state(mut self, state: BestState) -> Self {
        // A best value that is not finite might never be beaten.
        self.state = BestState { best: state.best.filter(|best| best.value.is_finite()), ..state };
        self
    }
}

impl<S> fmt::Display for Best<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state.best {
            Some(Scored { value, step }) => write!(formatter, "best {} at step {step}", number(value)),
            None => formatter.write_str("no best yet"),
        }
    }
}

impl<S> fmt::Debug for Best<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Best")
            .field("direction", &self.direction)
            .field("minimum_gain", &self.minimum_gain)
            .field("patience", &self.patience)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}
