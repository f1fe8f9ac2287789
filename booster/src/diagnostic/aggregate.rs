//! Many steps into one summary.

use std::fmt;
use std::marker::PhantomData;

use tch::no_grad_guard;

use super::flush::{Flushed, Fused, lift};
use super::non_finite::{NonFinite, NonFiniteReport};
use super::on_host::HostSums;
use super::read::read;
use super::samples::Scopes;
use super::summary::Summary;
use super::track::{Lifted, Prepared, Track, Update};
use super::{Diagnostic, Leaves};
use crate::error::{Error, Result};

/// After this many updates their values are reduced and their handles given up.
const WINDOW: usize = 256;

/// After this many values likewise: what they are joined to should fit into a processor's cache.
const WINDOW_VALUES: usize = 2048;

/// After this many bytes of values likewise.
const WINDOW_BYTES: usize = 64 << 20;

/// Turns the diagnostics of many steps into one summary.
///
/// However the same samples are cut into batches, and in whatever order, the summary is the one of a single pass over
/// them. Nothing is read back from a device before [`summary`](Self::summary), which reads once for each device.
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
    pub(super) tracks: Vec<Track>,
    /// How many samples batch-level values stand for.
    scopes: Scopes,
    /// The updates whose values are pending.
    window: Vec<Update>,
    window_bytes: usize,
    /// What is kept of the values of the update that is being taken: room that is used again.
    prepared: Vec<Prepared>,
    /// The sums of tracks that were reduced together, not yet parted.
    fused: Vec<Fused>,
    pub(super) updates: u64,
    policy: NonFinite,
    diagnostics: PhantomData<fn(D)>,
}

// Without a bound, so that a type which is no diagnostic is one error, at the first update.
impl<D> Aggregator<D> {
    /// An aggregator of no updates.
    pub const fn new() -> Self {
        let policy = NonFinite::Propagate;
        Self {
            tracks: Vec::new(),
            scopes: Scopes::new(),
            window: Vec::new(),
            window_bytes: 0,
            prepared: Vec::new(),
            fused: Vec::new(),
            updates: 0,
            policy,
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
    /// Takes in the diagnostics of a step. It does not wait for the device: the tensors are reduced later, and must not be
    /// changed in place.
    ///
    /// # Errors
    /// After any of them the aggregator is as it was before.
    /// - [`Error::SampleCount`] where per-sample fields of one struct disagree about the number of samples, or flattened
    ///   structs about what a batch-level field beside them counts.
    /// - [`Error::Leaf`] where a field differs from earlier updates in more than its first dimension, is of a complex
    ///   or quantised kind, or has weights that do not fit its values.
    /// - [`Error::Torch`] where a device is out of memory.
    pub fn update(&mut self, diagnostics: &D) -> Result<()> {
        const { D::SCHEMA.check() };
        if self.is_empty() {
            self.tracks = tracks::<D>();
        }
        if self.scopes.is_empty() {
            self.scopes = Scopes::of(&D::SCHEMA);
        }
        let Leaves { seen: leaves, batch_size } = Leaves::of(diagnostics, self.tracks.len());
        let samples = self.scopes.samples(&leaves, batch_size)?;
        self.tracks.iter().zip(&leaves).try_for_each(|(track, seen)| track.check(seen))?;
        let updates = self.window.len();
        if updates >= WINDOW || updates * leaves.len() >= WINDOW_VALUES || self.window_bytes >= WINDOW_BYTES {
            self.flush()?;
        }
        self.prepared.clear();
        for (track, seen) in self.tracks.iter_mut().zip(&leaves) {
            self.prepared.push(track.prepare(seen, &samples[track.scope], self.policy)?);
        }
        let update = Update { number: self.updates, samples };
        for ((track, seen), prepared) in self.tracks.iter_mut().zip(&leaves).zip(self.prepared.drain(..)) {
            self.window_bytes += track.accept(seen, prepared, self.window.len(), &update);
        }
        self.window.push(update);
        self.updates += 1;
        Ok(())
    }

    /// Takes in all updates of another aggregator, as if they had come after one's own.
    ///
    /// # Errors
    /// After any of them the aggregator is as it was before.
    /// [`Error::Leaf`] where a field of the two differs in more than its first dimension, [`Error::Torch`] where a
    /// device is out of memory.
    pub fn merge(&mut self, mut other: Self) -> Result<()> {
        if self.is_empty() {
            *self = Self { policy: self.policy, ..other };
            return Ok(());
        }
        let _no_grad = no_grad_guard();
        self.settle()?;
        other.settle()?;
        let updates = other.updates;
        let natures = other.tracks.iter().map(|track| track.nature.clone()).collect::<Vec<_>>();
        let merge = |(track, other): (&Track, Track)| track.merge(other.delayed(self.updates)?);
        let merged = self.tracks.iter().zip(other.tracks).map(merge).collect::<Result<Vec<_>>>()?;
        for ((track, merged), nature) in self.tracks.iter_mut().zip(merged).zip(natures) {
            track.commit(merged);
            track.nature = track.nature.take().or(nature);
        }
        self.updates += updates;
        Ok(())
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
        self.settle()?;
        let read = read(&self.tracks)?;
        let reports = read.iter().zip(&self.tracks).filter_map(|(read, track)| read.report(track.field));
        let mut reports = reports.collect::<Vec<_>>();
        reports.sort_by_key(|report| report.update);
        if let (NonFinite::Error, Some(first)) = (self.policy, reports.first()) {
            return Err(Error::NonFinite(*first));
        }
        let mut values = read.iter().zip(&self.tracks).flat_map(|(read, track)| track.finish(read)).collect();
        Ok((D::Summary::take(&mut values)?, reports))
    }

    /// Reduces what is pending; after an error it is all still there.
    fn flush(&mut self) -> Result<()> {
        let _no_grad = no_grad_guard();
        let Flushed { alone, fused } = lift(&self.tracks, &self.window, self.policy)?;
        let merge = |(track, lifted): (&Track, Option<_>)| lifted.map(|lifted| track.merged(lifted)).transpose();
        let alone = self.tracks.iter().zip(alone).map(merge).collect::<Result<Vec<_>>>()?;
        let beside = |later: &Fused| self.fused.iter().position(|earlier| earlier.is_beside(later));
        let fused = fused.into_iter().map(|later| match beside(&later) {
            Some(index) => Ok((Some(index), self.fused[index].merged(&later)?)),
            None => Ok((None, later)),
        });
        let fused = fused.collect::<Result<Vec<_>>>()?;
        self.tracks.iter_mut().zip(alone).for_each(|(track, merged)| track.commit(merged));
        for (index, fused) in fused {
            match index {
                Some(index) => self.fused[index] = fused,
                None => self.fused.push(fused),
            }
        }
        self.window.clear();
        self.window_bytes = 0;
        Ok(())
    }

    /// Reduces what is pending, and parts the sums of tracks that were reduced together.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.flush()?;
        let mut parted = self.tracks.iter().map(|_| None).collect::<Vec<Option<Lifted>>>();
        let mut part = |member: usize, lifted: Lifted| {
            let track = &self.tracks[member];
            parted[member] = Some(match parted[member].take() {
                Some(earlier) => track.join(&earlier.states, &earlier.finite, &lifted)?,
                None => track.merged(lifted)?,
            });
            Ok::<_, Error>(())
        };
        for fused in &self.fused {
            fused.lifted(&self.tracks)?.into_iter().try_for_each(|(member, lifted)| part(member, lifted))?;
        }
        for (member, track) in self.tracks.iter().enumerate() {
            track.on_host.lifted(&track.reduces)?.map_or(Ok(()), |lifted| part(member, lifted))?;
        }
        for (track, merged) in self.tracks.iter_mut().zip(parted) {
            let nothing = if merged.is_none() { track.nothing()? } else { None };
            track.commit(merged.or(nothing));
            track.on_host = HostSums::default();
        }
        self.fused.clear();
        Ok(())
    }
}

/// A track for each field.
pub(super) fn tracks<D: Diagnostic>() -> Vec<Track> {
    let scopes = Scopes::of(&D::SCHEMA).of_fields();
    D::SCHEMA.fields().into_iter().zip(scopes).map(|(field, scope)| Track::new(field, scope)).collect()
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
