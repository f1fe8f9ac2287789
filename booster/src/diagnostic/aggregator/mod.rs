//! Aggregation of many steps into one summary.

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

/// The number of updates after which pending values are reduced and released.
const WINDOW: usize = 256;

/// The number of bytes of pending values after which they are reduced and released.
const WINDOW_BYTES: usize = 64 << 20;

/// Aggregates the diagnostics of many steps into one summary.
///
/// The summary equals that of a single pass over all samples, however they are split into batches and in whatever order
/// they arrive. Nothing is read back from a device before [`summary`](Self::summary), which reads once per device. The
/// exception is MPS, which has no doubles: its values are reduced on the host, with one read per 256 updates or 64 MiB.
///
/// Sums are kept in double precision, and no graph is kept alive. Memory does not grow with the number of updates:
/// values are reduced after 256 updates or 64 MiB.
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
    /// The structs that determine the sample counts of batch-level values.
    scopes: Scopes,
    /// The updates with pending values.
    window: Updates,
    window_bytes: usize,
    /// The staged values of the current update, in a reused buffer.
    staged: Vec<Staged>,
    updates: u64,
    policy: NonFinite,
    /// The policy of the pending updates.
    window_policy: NonFinite,
    diagnostics: PhantomData<fn(D)>,
}

// `D` has no bound here, so that a type that is not a diagnostic causes a single error, at the first update.
impl<D> Aggregator<D> {
    /// Creates an aggregator without updates.
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

    /// Sets the policy for non-finite values.
    #[must_use]
    pub fn non_finite(mut self, policy: NonFinite) -> Self {
        self.policy = policy;
        self
    }

    /// Discards all updates.
    pub fn reset(&mut self) {
        *self = Self::new().non_finite(self.policy);
    }

    /// Returns the number of updates.
    pub fn len(&self) -> u64 {
        self.updates
    }

    /// Returns whether there are no updates.
    pub fn is_empty(&self) -> bool {
        self.updates == 0
    }
}

impl<D: Diagnostic> Aggregator<D> {
    /// Adds the diagnostics of a step. The tensors are reduced later, so they must not be modified in place. This does
    /// not wait for the device, except when pending values on MPS are reduced.
    ///
    /// # Errors
    /// Returns the following errors and leaves the aggregator unchanged:
    /// - [`Error::SampleCount`] if per-sample fields of a struct disagree about the number of samples, or if
    ///   flattened structs disagree about the sample count of a batch-level field next to them.
    /// - [`Error::Mismatch`] if a field differs from earlier updates in more than its first dimension, is undefined,
    ///   sparse, quantized or complex, or has weights that do not fit its values.
    /// - [`Error::Torch`] if a device is out of memory.
    ///
    /// Returns [`Error::Reduction`] if a value of this or the last 256 updates cannot be reduced because a reduction
    /// fails or panics, or because the value was written in place. The value is excluded from its field; all others,
    /// including those of this update, are added.
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
        // Values that were added under another policy must be reduced under that policy.
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

    /// Appends all updates of another aggregator. Non-finite values are handled by the policy of the aggregator that
    /// received them; the summary and later updates use the policy of `self`. Merging is associative.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if a field differs between the two in more than its first dimension, or
    /// [`Error::Torch`] if a device is out of memory; both leave the aggregator unchanged. Returns [`Error::Reduction`]
    /// if a value of either aggregator cannot be reduced; all other values are merged.
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

    /// Summarizes all updates since the aggregator was created or reset. Further updates can follow.
    ///
    /// This waits for the devices, with one read per device.
    ///
    /// # Errors
    /// Returns [`Error::NoUpdate`] if there are no updates, [`Error::NonFinite`] if a value is NaN or infinite under
    /// [`NonFinite::Error`], [`Error::Reduction`] if a pending value cannot be reduced, or [`Error::Torch`] if a
    /// libtorch operation fails.
    pub fn summary(&mut self) -> Result<D::Summary> {
        self.summary_and_report().map(|(summary, _)| summary)
    }

    /// Summarizes all updates and reports the fields with non-finite values, in order of their first non-finite update.
    ///
    /// This waits for the devices, with one read per device.
    ///
    /// # Errors
    /// Returns the errors of [`summary`](Self::summary).
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

    /// Reduces the pending values and releases them.
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

    /// Merges all pending values and host sums into the states.
    fn reduce_pending(&mut self) -> Result<()> {
        let flushed = self.flush();
        self.field_states.iter_mut().try_for_each(FieldState::take_host_sums)?;
        flushed
    }
}

/// Separates [`Error::Reduction`], which excludes only the value that it names, from fatal errors.
fn only_left_out(outcome: Result<()>) -> Result<Result<()>> {
    match outcome {
        Ok(()) | Err(Error::Reduction { .. }) => Ok(outcome),
        Err(error) => Err(error),
    }
}

/// Creates an empty state for each field.
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
