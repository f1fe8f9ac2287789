//! Triggers: what is done now and then.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How far training has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps that are done.
    pub step: u64,
    /// Epochs that are done: all along the first one it is 0, and 1 from its end on.
    pub epoch: u64,
    /// Time that training has taken, that before it was resumed included.
    pub elapsed: Duration,
}

/// Tells when it is time: to validate, to log, to save.
///
/// It fires once for each event, at the first call that sees the event behind it: an epoch's once and not at every step of
/// the next, and a step's also where the call of that very step was left out. A call that sees several events behind it
/// fires once for all of them. Nothing is due before training has begun: `every_steps(10)` fires first when 10 steps are
/// done.
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
/// What it has fired for is part of it: save it beside the model with serde, and the loaded one neither repeats an event
/// nor misses one. One that is new fires at once where it is first asked late in training.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// It fires when one of these does.
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    events: Events,
    /// How many of the events were behind at the last call.
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
    /// When `steps`, twice `steps`, and so on, are done.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for 0.
    pub fn every_steps(steps: u64) -> Result<Self> {
        Ok(Self::of(Events::EverySteps(period("steps", steps)?)))
    }

    /// When `epochs`, twice `epochs`, and so on, are done.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for 0.
    pub fn every_epochs(epochs: u64) -> Result<Self> {
        Ok(Self::of(Events::EveryEpochs(period("epochs", epochs)?)))
    }

    /// When a time, twice that time, and so on, are over.
    ///
    /// ```
    /// # use booster::prelude::*;
    /// use std::time::{Duration, Instant};
    ///
    /// use booster::training::Progress;
    ///
    /// # fn main() -> booster::Result<()> {
    /// let mut save = Trigger::every(Duration::from_secs(600))?;
    /// // What was loaded, where training is resumed.
    /// let (before, start) = (Progress::default(), Instant::now());
    /// let progress = Progress { elapsed: before.elapsed + start.elapsed(), ..before };
    /// assert!(!save.fires(progress));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Mismatch`] for an empty time.
    pub fn every(time: Duration) -> Result<Self> {
        // 584 years fit.
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Ok(Self::of(Events::EveryNanoseconds(period("time", nanoseconds)?)))
    }

    /// When each of these numbers of steps is done.
    pub fn at_steps(steps: impl IntoIterator<Item = u64>) -> Self {
        Self::of(Events::AtSteps(steps.into_iter().collect()))
    }

    /// When each of these numbers of epochs is done.
    pub fn at_epochs(epochs: impl IntoIterator<Item = u64>) -> Self {
        Self::of(Events::AtEpochs(epochs.into_iter().collect()))
    }

    /// When this one fires or the other does; once where both do.
    pub fn or(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Whether an event has come since the last call.
    #[must_use = "each event is told once"]
    pub fn fires(&mut self, progress: Progress) -> bool {
        let mut fires = false;
        for part in &mut self.parts {
            let passed = part.events.behind(progress);
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
    /// How many events are behind.
    fn behind(&self, progress: Progress) -> u64 {
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
    NonZeroU64::new(period).ok_or_else(|| Error::argument("trigger", argument, "greater than 0", "0"))
}
