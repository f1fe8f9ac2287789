//! Triggers for recurring actions.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The progress of a training run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The number of completed steps.
    pub step: u64,
    /// The number of completed epochs: 0 during the first epoch.
    pub epoch: u64,
    /// The training time, including the time before the run was resumed.
    pub elapsed: Duration,
}

/// A trigger that fires at given steps, epochs or intervals: to validate, to log, to save.
///
/// An event fires the trigger once, at the first call after the event. An epoch thus fires it once, not at every step
/// of the next epoch. A step fires it even if there is no call at that exact step. Several events between two calls
/// fire it only once. No trigger fires before training begins: `every_steps(10)` first fires after 10 steps.
///
/// ```
/// use booster::prelude::*;
/// use booster::training::Progress;
///
/// # fn main() -> booster::Result<()> {
/// let mut log = Trigger::every_steps(2)?;
/// let mut save = Trigger::every_epochs(1)?.or(Trigger::at_steps([4]));
/// let (mut logged, mut saved) = (Vec::new(), Vec::new());
/// let mut progress = Progress::default();
/// for epoch in 0..2 {
///     for batch in 0..3 {
///         // training_step(..)
///         progress.step += 1;
///         progress.epoch += u64::from(batch == 2);
///         if log.fires(progress) {
///             logged.push(progress.step);
///         }
///         if save.fires(progress) {
///             saved.push(progress.step);
///         }
///     }
/// }
/// assert_eq!(logged, [2, 4, 6]);
/// assert_eq!(saved, [3, 4, 6]);
/// # Ok(())
/// # }
/// ```
///
/// A trigger remembers which events have fired it. Save it with the model, using serde: a loaded trigger neither
/// repeats nor misses an event. A new trigger that is first called late in training fires at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The trigger fires if any of these does.
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    events: Events,
    /// The number of events that had passed at the last call.
    passed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Events {
    EverySteps(NonZeroU64),
    EveryEpochs(NonZeroU64),
    EveryNanoseconds(NonZeroU64),
    AtSteps(BTreeSet<u64>),
    AtEpochs(BTreeSet<u64>),
}

impl Trigger {
    /// Fires every `steps` steps.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `steps` is 0.
    pub fn every_steps(steps: u64) -> Result<Self> {
        Ok(Self::of(Events::EverySteps(period("steps", steps)?)))
    }

    /// Fires every `epochs` epochs.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `epochs` is 0.
    pub fn every_epochs(epochs: u64) -> Result<Self> {
        Ok(Self::of(Events::EveryEpochs(period("epochs", epochs)?)))
    }

    /// Fires whenever another period of `time` has elapsed in training.
    ///
    /// ```
    /// # use booster::prelude::*;
    /// use std::time::{Duration, Instant};
    ///
    /// use booster::training::Progress;
    ///
    /// # fn main() -> booster::Result<()> {
    /// let mut save = Trigger::every(Duration::from_secs(600))?;
    /// // A resumed run starts from its saved progress.
    /// let (before, start) = (Progress::default(), Instant::now());
    /// let progress = Progress { elapsed: before.elapsed + start.elapsed(), ..before };
    /// assert!(!save.fires(progress));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if `time` is zero.
    pub fn every(time: Duration) -> Result<Self> {
        // A `u64` of nanoseconds spans 584 years.
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self::of(Events::EveryNanoseconds(period("time", nanoseconds)?)))
    }

    /// Fires when the number of completed steps reaches each of these values.
    pub fn at_steps(steps: impl IntoIterator<Item = u64>) -> Self {
        Self::of(Events::AtSteps(steps.into_iter().collect()))
    }

    /// Fires when the number of completed epochs reaches each of these values.
    pub fn at_epochs(epochs: impl IntoIterator<Item = u64>) -> Self {
        Self::of(Events::AtEpochs(epochs.into_iter().collect()))
    }

    /// Combines two triggers into one that fires if either does, but only once if both do.
    pub fn or(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Returns whether an event has passed since the last call.
    #[must_use = "each event is reported only once"]
    pub fn fires(&mut self, progress: Progress) -> bool {
        let mut fires = false;
        for part in &mut self.parts {
            let passed = part.events.passed(progress);
            fires |= passed > part.passed;
            part.passed = part.passed.max(passed);
        }
        fires
    }

    fn of(events: Events) -> Self {
        Self { parts: vec![Part { events, passed: 0 }] }
    }
}

impl Events {
    /// Returns the number of events that have passed.
    fn passed(&self, progress: Progress) -> u64 {
        match self {
            Self::EverySteps(period) => progress.step / period.get(),
            Self::EveryEpochs(period) => progress.epoch / period.get(),
            Self::EveryNanoseconds(period) => {
                let periods = progress.elapsed.as_nanos() / u128::from(period.get());
                u64::try_from(periods).unwrap_or(u64::MAX)
            }
            Self::AtSteps(steps) => steps.range(..=progress.step).count() as u64,
            Self::AtEpochs(epochs) => epochs.range(..=progress.epoch).count() as u64,
        }
    }
}

fn period(argument: &'static str, period: u64) -> Result<NonZeroU64> {
    NonZeroU64::new(period).ok_or_else(|| Error::argument("trigger", argument, "positive", "0"))
}
