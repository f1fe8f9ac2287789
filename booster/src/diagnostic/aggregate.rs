//! Many steps into one summary.

use std::fmt;
use std::marker::PhantomData;

use tch::{Device, Tensor, no_grad_guard};

use super::reduction::STATE_LENGTH;
use super::samples::samples;
use super::summary::Summary;
use super::track::Track;
use super::{Diagnostic, Leaves};
use crate::error::{Error, Result};
use crate::stats;

/// After this many updates their values are reduced and their handles given up.
const WINDOW: usize = 128;

/// Turns the diagnostics of many steps into one summary.
///
/// However the same samples are cut into batches, and in whatever order, the summary is the one of a single pass over
/// them. Nothing is read back from a device before [`summary`](Self::summary), which reads once for each device.
/// Sums are kept in double precision, no graph is kept alive, and memory does not grow with the number of updates.
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
    tracks: Vec<Track>,
    updates: u64,
    pending: usize,
    diagnostics: PhantomData<fn(D)>,
}

// Without a bound, so that a type which is no diagnostic is one error, at the first update.
impl<D> Aggregator<D> {
    /// An aggregator of no updates.
    pub const fn new() -> Self {
        Self { tracks: Vec::new(), updates: 0, pending: 0, diagnostics: PhantomData }
    }

    /// Forgets all updates.
    pub fn reset(&mut self) {
        *self = Self::new();
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
    /// Takes in the diagnostics of a step. It does not wait for the device.
    ///
    /// # Errors
    /// After any of them the aggregator is as it was before.
    /// - [`Error::SampleCount`] where per-sample fields disagree about the number of samples.
    /// - [`Error::Leaf`] where a field differs from earlier updates in more than its first dimension, is of a complex
    ///   or quantised kind, or has weights that do not fit its values.
    /// - [`Error::Torch`] where a device is out of memory.
    pub fn update(&mut self, diagnostics: &D) -> Result<()> {
        let _no_grad = no_grad_guard();
        if self.is_empty() {
            self.tracks = D::SCHEMA.fields().into_iter().map(Track::new).collect();
        }
        let leaves = Leaves::of(diagnostics);
        let fields = self.tracks.iter().map(Track::field).collect::<Vec<_>>();
        let samples = samples(&fields, &leaves)?;
        self.tracks.iter().zip(&leaves).try_for_each(|(track, &leaf)| track.check(leaf))?;
        if self.pending == WINDOW {
            self.flush()?;
        }
        for (track, &leaf) in self.tracks.iter_mut().zip(&leaves) {
            track.push(leaf, &samples)?;
        }
        self.pending += 1;
        self.updates += 1;
        Ok(())
    }

    /// Takes in all updates of another aggregator, as if they had come after one's own.
    ///
    /// # Errors
    /// [`Error::Leaf`] where a field of the two differs in more than its first dimension, [`Error::Torch`] where a
    /// device is out of memory.
    pub fn merge(&mut self, mut other: Self) -> Result<()> {
        if self.is_empty() {
            *self = other;
            return Ok(());
        }
        let _no_grad = no_grad_guard();
        self.flush()?;
        other.flush()?;
        self.tracks.iter_mut().zip(&other.tracks).try_for_each(|(track, other)| track.merge(other))?;
        self.updates += other.updates;
        Ok(())
    }

    /// The summary of all updates since the aggregator was made or reset; it stays as it is and can go on.
    ///
    /// Waits for the devices, with one read for each.
    ///
    /// # Errors
    /// [`Error::NoUpdate`] where there was none, [`Error::Torch`] where a device failed.
    pub fn summary(&mut self) -> Result<D::Summary> {
        if self.is_empty() {
            return Err(Error::NoUpdate);
        }
        let _no_grad = no_grad_guard();
        self.flush()?;
        let states = self.tracks.iter().flat_map(Track::states).collect::<Vec<_>>();
        let mut read = read_states(&states)?.into_iter();
        let finish = |track: &Track| {
            let states = read.by_ref().take(track.states().len()).collect::<Vec<_>>();
            track.finish(&states)
        };
        let mut values = self.tracks.iter().flat_map(finish).collect();
        Ok(D::Summary::take(&mut values))
    }

    fn flush(&mut self) -> Result<()> {
        self.tracks.iter_mut().try_for_each(Track::flush)?;
        self.pending = 0;
        Ok(())
    }
}

/// Reads the states back to the host, all of one device at once.
fn read_states(states: &[&Tensor]) -> Result<Vec<[f64; STATE_LENGTH]>> {
    let mut devices: Vec<Device> = Vec::new();
    for state in states {
        if !devices.contains(&state.device()) {
            devices.push(state.device());
        }
    }
    let mut read = vec![[0.0; STATE_LENGTH]; states.len()];
    for device in devices {
        let here = (0..states.len()).filter(|&index| states[index].device() == device).collect::<Vec<_>>();
        let tensors = here.iter().map(|&index| states[index]).collect::<Vec<_>>();
        let numbers = stats::read(&Tensor::f_cat(&tensors, 0)?)?;
        for (&index, state) in here.iter().zip(numbers.chunks_exact(STATE_LENGTH)) {
            read[index].copy_from_slice(state);
        }
    }
    Ok(read)
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
            .finish_non_exhaustive()
    }
}
