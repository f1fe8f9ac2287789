//! The best of what was seen, and whether to go on looking.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::serde_f64;
use crate::diagnostic::number;
use crate::error::{Error, Result};

/// The best summary by one of its values: when to save the model, and when to stop.
///
/// The value is reached by a closure, so that a metric that is not there does not compile. Values that are NaN or infinite
/// are never the best.
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

/// What a [`Best`] remembers, to be saved and loaded with serde.
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

/// What to do after a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BestUpdate {
    /// This summary is the best so far: save the model.
    pub is_best: bool,
    /// Nothing has become better for as long as the [patience](Best::patience) lasts.
    pub should_stop: bool,
}

impl<S> Best<S> {
    /// The greatest value is the best: an accuracy.
    pub fn maximize(value: impl Fn(&S) -> f64 + Send + 'static) -> Self {
        Self::new(value, Direction::Up)
    }

    /// The least value is the best: a loss.
    pub fn minimize(value: impl Fn(&S) -> f64 + Send + 'static) -> Self {
        Self::new(value, Direction::Down)
    }

    fn new(value: impl Fn(&S) -> f64 + Send + 'static, direction: Direction) -> Self {
        Self { value: Box::new(value), direction, minimum_gain: 0.0, patience: None, state: BestState::default() }
    }

    /// Takes a value for better only where it is so by more than this, in the value's own unit.
    ///
    /// It is compared with the best, not with the last one: small gains add up.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where it is negative or not finite.
    pub fn minimum_gain(mut self, gain: f64) -> Result<Self> {
        if !(gain.is_finite() && gain >= 0.0) {
            return Err(Error::argument("best", "minimum_gain", "finite and at least 0", gain.to_string()));
        }
        self.minimum_gain = gain;
        Ok(self)
    }

    /// Stops after this many updates in a row without a better value; with 0 as with 1, after the first.
    pub fn patience(mut self, updates: u64) -> Self {
        self.patience = Some(updates);
        self
    }

    /// Takes a summary into account, of which `step` says when it was made: the step or the epoch.
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

    /// The best value, where there is one.
    pub fn value(&self) -> Option<f64> {
        self.state.best.map(|best| best.value)
    }

    /// The step of the best value, where there is one.
    pub fn step(&self) -> Option<u64> {
        self.state.best.map(|best| best.step)
    }

    /// How many updates there were since the best value.
    pub fn since(&self) -> u64 {
        self.state.since
    }

    /// What to save: the closure cannot be.
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

    /// Goes on from what was saved, of a `Best` of the same value and direction.
    pub fn with_state(mut self, state: BestState) -> Self {
        // With such a best no value would ever be better.
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
