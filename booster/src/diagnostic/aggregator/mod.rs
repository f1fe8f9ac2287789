//! Many steps into one summary.

mod detach;
mod field_state;
mod join;
mod non_finite;
mod partial;
mod pending;
mod read;
mod saved;
#[cfg(test)]
mod simulated_tests;
mod sums;
mod window;

use std::fmt;
use std::marker::PhantomData;

use tch::no_grad_guard;

use self::field_state::FieldState;
pub use self::non_finite::NonFinite;
use self::pending::Staged;
use self::read::read;
pub use self::saved::SavedAggregator;
use self::window::{Updates, Window, fetch};
use super::samples::Scopes;
use super::summary::Summary;
use super::{Diagnostic, Leaves};
use crate::error::{Error, NonFiniteReport, Result};

/// After this many updates their values are reduced and their handles given up.
const WINDOW: usize = 256;

/// After this many bytes of values likewise.
const WINDOW_BYTES: usize = 64 << 20;

/// Turns the diagnostics of many steps into one summary.
///
/// However the same samples are cut into batches, and in whatever order, the summary is the one of a single pass over
/// them. Nothing is read back from a device before [`summary`](Self::summary), which reads once for each device. A device
/// without doubles (MPS) is the exception: its values are reduced on the host, at most one read per 256 updates or 64 MiB.
/// Sums are kept in double precision, no graph is kept alive, and memory does not grow with the number of updates:
/// at most 256 updates or 64 MiB of values wait to be reduced.
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::Tensor;
///
/// #[derive(Diagnostic)]
/// struct Classified {
///     #[group = "metrics"]
///     accuracy: Tensor,
/// }
///
/// # fn main() -> booster::Result<()> {
/// let mut mean = Aggregator::new();
/// mean.update(&Classified { accuracy: Tensor::from_slice(&[true, true, true, false]) })?;
/// mean.update(&Classified { accuracy: Tensor::from_slice(&[false]) })?; // a short last batch
/// assert_eq!(mean.summary()?.metrics.accuracy, 0.6);
/// # Ok(())
/// # }
/// ```
pub struct Aggregator<D> {
    field_states: Vec<FieldState>,
    /// How many samples batch-level values stand for.
    scopes: Scopes,
    /// The updates with values that are pending.
    window: Updates,
    window_bytes: usize,
    /// What is kept of the values of the update that is being taken: room that is used again.
    staged: Vec<Staged>,
    updates: u64,
    policy: NonFinite,
    /// The policy of the updates whose values are pending.
    window_policy: NonFinite,
    diagnostics: PhantomData<fn(D)>,
}

// Without a bound, so that a type which is no diagnostic is one error, at the first update.
impl<D> Aggregator<D> {
    /// An aggregator of no updates.
    pub const fn new() -> Self {
        let policy = NonFinite::Propagate;
        Self {
            field_states: Vec::new(),
            scopes: Scopes::new(),
            window: Updates::new(),
            window_bytes: 0,
            staged: Vec::new(),
            updates: 0,
            policy,
            window_policy: policy,
            diagnostics: PhantomData,
        }
    }

    /// The same with another policy for values that are NaN or infinite.
    #[must_use]
    pub fn non_finite(mut self, policy: NonFinite) -> Self {
        self.policy = policy;
        self
    }

    /// Forgets all updates.
    pub fn reset(&mut self) {
        *self = Self::new().non_finite(self.policy);
    }

    /// The number of updates.
    pub fn len(&self) -> u64 {
        self.updates
    }

    /// Whether there was no update.
    pub fn is_empty(&self) -> bool {
        self.updates == 0
    }
}

impl<D: Diagnostic> Aggregator<D> {
    /// Takes in the diagnostics of a step. It does not wait for the device, unless that has no doubles (MPS), and then only
    /// where what waits is reduced: the tensors are reduced later, and must not be
    /// changed in place.
    ///
    /// # Errors
    /// - [`Error::SampleCount`] where per-sample fields of one struct disagree about the number of samples, or flattened
    ///   structs about what a batch-level field beside them counts.
    /// - [`Error::Mismatch`] where a field differs from earlier updates in more than its first dimension, is undefined,
    ///   sparse, quantized or complex, or has weights that do not fit its values.
    /// - [`Error::Torch`] where a device is out of memory.
    ///
    /// After these the aggregator is as it was before.
    /// - [`Error::Reduction`] where a value of this or one of the last 256 updates cannot be reduced: a reduction fails or panics, or
    ///   the value was written in place. It is left out of
    ///   its field; all others, those of this update included, are taken in.
    pub fn update(&mut self, diagnostics: &D) -> Result<()> {
        const { D::SCHEMA.check() };
        if self.is_empty() {
            self.field_states = field_states::<D>();
        }
        if self.scopes.is_empty() {
            self.scopes = Scopes::of(&D::SCHEMA);
        }
        let Leaves { infos: leaves, batch_size } = Leaves::of(diagnostics, self.field_states.len());
        self.field_states.iter().zip(&leaves).try_for_each(|(field_state, info)| field_state.check(info))?;
        let samples = self.scopes.samples(&leaves, batch_size)?;
        self.staged.clear();
        for (field_state, info) in self.field_states.iter().zip(&leaves) {
            self.staged.push(field_state.stage(info, &samples[field_state.scope], self.policy)?);
        }
        // What was taken under another policy is reduced under it.
        let earlier = if self.policy == self.window_policy { Ok(()) } else { self.flush() };
        self.window_policy = self.policy;
        let is_pending = self.staged.iter().any(|staged| matches!(staged, Staged::Pending(..)));
        for ((field_state, info), staged) in self.field_states.iter_mut().zip(&leaves).zip(self.staged.drain(..)) {
            self.window_bytes += field_state.accept(info, staged, self.window.len(), self.updates);
        }
        if is_pending {
            self.window.push(self.updates, samples);
        }
        self.updates += 1;
        if self.window.len() >= WINDOW || self.window_bytes >= WINDOW_BYTES {
            return earlier.and(self.flush());
        }
        earlier
    }

    /// Takes in all updates of another aggregator, as if they had come after one's own. Values that are NaN or infinite
    /// are treated by the policy of the aggregator that was given them; the summary, and later updates, by one's own.
    /// In whatever order several aggregators are merged, two at a time, the result is the same.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where a field of the two differs in more than its first dimension, [`Error::Torch`] where a
    /// device is out of memory: after these the aggregator is as it was before. [`Error::Reduction`] where a value of
    /// one of the two cannot be reduced: all others are taken in.
    pub fn merge(&mut self, mut other: Self) -> Result<()> {
        if other.is_empty() {
            return Ok(());
        }
        if self.is_empty() {
            let outcome = other.reduce_pending();
            *self = Self { policy: self.policy, window_policy: self.policy, ..other };
            return outcome;
        }
        let _no_grad = no_grad_guard();
        self.field_states
            .iter()
            .zip(&other.field_states)
            .try_for_each(|(field_state, other)| field_state.check_merge(other))?;
        let outcome = only_left_out(self.reduce_pending())?.and(only_left_out(other.reduce_pending())?);
        let updates = other.updates;
        let layouts = other.field_states.iter().map(|field_state| field_state.layout.clone()).collect::<Vec<_>>();
        let merge = |(field_state, other): (&FieldState, FieldState)| field_state.merge(other.delayed(self.updates)?);
        let merged = self.field_states.iter().zip(other.field_states).map(merge).collect::<Result<Vec<_>>>()?;
        for ((field_state, merged), layout) in self.field_states.iter_mut().zip(merged).zip(layouts) {
            if let Some(merged) = merged {
                field_state.commit(merged);
            }
            field_state.layout = field_state.layout.take().or(layout);
        }
        self.updates += updates;
        outcome
    }

    /// The summary of all updates since the aggregator was made or reset; it stays as it is and can go on.
    ///
    /// Waits for the devices, with one read for each.
    ///
    /// # Errors
    /// [`Error::NoUpdate`] where there was none, [`Error::NonFinite`] under [`NonFinite::Error`] where a value was NaN
    /// or infinite, [`Error::Torch`] where a device failed.
    pub fn summary(&mut self) -> Result<D::Summary> {
        self.summary_and_report().map(|(summary, _)| summary)
    }

    /// The summary, and what was found of values that are NaN or infinite, by field.
    ///
    /// Waits for the devices, with one read for each.
    ///
    /// # Errors
    /// Those of [`summary`](Self::summary).
    pub fn summary_and_report(&mut self) -> Result<(D::Summary, Vec<NonFiniteReport>)> {
        if self.is_empty() {
            return Err(Error::NoUpdate);
        }
        let _no_grad = no_grad_guard();
        self.reduce_pending()?;
        let read = read(&self.field_states)?;
        let reports =
            read.iter().zip(&self.field_states).filter_map(|(read, field_state)| read.report(field_state.field));
        let mut reports = reports.collect::<Vec<_>>();
        reports.sort_by_key(|report| report.update);
        if let (NonFinite::Error, Some(first)) = (self.policy, reports.first()) {
            return Err(Error::NonFinite(*first));
        }
        let mut values =
            read.iter().zip(&self.field_states).flat_map(|(read, field_state)| field_state.finish(read)).collect();
        Ok((D::Summary::take(&mut values)?, reports))
    }

    /// Reduces what is pending, and gives it up.
    fn flush(&mut self) -> Result<()> {
        let _no_grad = no_grad_guard();
        fetch(self.field_states.iter_mut().flat_map(|field_state| &mut field_state.pending), &mut self.window)?;
        let mut window = Window::new(&self.window);
        let mut outcome = Ok(());
        for field_state in &mut self.field_states {
            outcome = outcome.and(field_state.reduce(&mut window, self.window_policy));
        }
        self.window.clear();
        self.window_bytes = 0;
        outcome
    }

    /// Brings all that was taken in into the states.
    fn reduce_pending(&mut self) -> Result<()> {
        let flushed = self.flush();
        self.field_states.iter_mut().try_for_each(FieldState::take_host_sums)?;
        flushed
    }
}

/// Parts errors after which all but the value that they name is there from others.
fn only_left_out(outcome: Result<()>) -> Result<Result<()>> {
    match outcome {
        Ok(()) | Err(Error::Reduction { .. }) => Ok(outcome),
        Err(error) => Err(error),
    }
}

/// An empty state for each field.
fn field_states<D: Diagnostic>() -> Vec<FieldState> {
    let scopes = Scopes::of(&D::SCHEMA).of_fields();
    D::SCHEMA.fields().into_iter().zip(scopes).map(|(field, scope)| FieldState::new(field, scope)).collect()
}

impl<D> Default for Aggregator<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Diagnostic> fmt::Debug for Aggregator<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics = D::SCHEMA.metrics().iter().map(ToString::to_string).collect::<Vec<_>>();
        formatter
            .debug_struct("Aggregator")
            .field("updates", &self.updates)
            .field("metrics", &metrics)
            .field("non_finite", &self.policy)
            .finish_non_exhaustive()
    }
}
