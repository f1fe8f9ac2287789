//! Aggregators that are kept: for a checkpoint, or for another process.

use serde::{Deserialize, Serialize};
use tch::{Tensor, no_grad_guard};

use super::aggregate::tracks;
use super::read::{Read, read};
use super::reduction::HostState;
use super::schema::{Field, SchemaMetric};
use super::track::{Finite, Lifted, Track};
use super::{Aggregator, Diagnostic, Nature};
use crate::error::{Error, Result};

/// All that an aggregator holds, on the host, to be written and read with serde.
///
/// ```
/// use booster::prelude::*;
///
/// #[derive(Diagnostic)]
/// struct Measured {
///     #[group = "loss"]
///     nll: f64,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut mean = Aggregator::new();
/// mean.update(&Measured { nll: 1.0 })?;
/// let json = serde_json::to_string(&mean.save()?)?;
///
/// let mut resumed = Aggregator::<Measured>::load(&serde_json::from_str(&json)?)?;
/// resumed.update(&Measured { nll: 2.0 })?;
/// assert_eq!(resumed.summary()?.loss.nll, 1.5);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedAggregator {
    schema_hash: u64,
    updates: u64,
    fields: Vec<SavedField>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedField {
    /// `group/name (reduction)` of each metric: so that a mismatch can be named.
    metrics: Vec<String>,
    nature: Option<Nature>,
    /// Each number by its bits, since text formats have neither NaN nor infinity.
    states: Option<Vec<SavedState>>,
    first_non_finite: u64,
    skipped: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedState {
    parts: Vec<Vec<u64>>,
    dims: Vec<i64>,
}

impl<D: Diagnostic> Aggregator<D> {
    /// All that the aggregator holds. Waits for the devices, with one read for each.
    ///
    /// # Errors
    /// [`Error::Torch`] where a device failed.
    pub fn save(&mut self) -> Result<SavedAggregator> {
        let _no_grad = no_grad_guard();
        self.settle()?;
        let read = read(&self.tracks)?;
        let fields = self.tracks.iter().zip(read).map(|(track, read)| SavedField::of(track, &read)).collect();
        Ok(SavedAggregator { schema_hash: D::SCHEMA.hash(), updates: self.updates, fields })
    }

    /// An aggregator that goes on where another was saved; its states are on the CPU until values of another device
    /// come.
    ///
    /// # Errors
    /// [`Error::Schema`], with the first metric that differs, where it was saved for other diagnostics.
    pub fn load(saved: &SavedAggregator) -> Result<Self> {
        let mut aggregator = Self::new();
        if saved.updates == 0 {
            return Ok(aggregator);
        }
        aggregator.tracks = tracks::<D>();
        check(saved, D::SCHEMA.hash(), &aggregator.tracks)?;
        for (track, field) in aggregator.tracks.iter_mut().zip(&saved.fields) {
            let lifted = field.lifted()?;
            track.commit(lifted);
            track.nature.clone_from(&field.nature);
        }
        aggregator.updates = saved.updates;
        Ok(aggregator)
    }
}

/// The first difference between what was saved and what is asked for.
fn check(saved: &SavedAggregator, hash: u64, tracks: &[Track]) -> Result<()> {
    let expected = tracks.iter().map(|track| metrics(track.field)).collect::<Vec<_>>();
    let longest = expected.len().max(saved.fields.len());
    for index in 0..longest {
        let (expected, found) = (expected.get(index), saved.fields.get(index).map(|field| &field.metrics));
        if expected != found {
            let text =
                |metrics: Option<&Vec<String>>| metrics.map_or("nothing".to_owned(), |metrics| metrics.join(", "));
            return Err(Error::Schema(format!("expected {}, found {}", text(expected), text(found))));
        }
    }
    if saved.schema_hash != hash {
        return Err(Error::Schema("the same metrics, but other fields are optional or count samples".to_owned()));
    }
    Ok(())
}

fn metrics(field: &'static Field) -> Vec<String> {
    field.metrics.iter().map(|&metric| SchemaMetric { field, metric }.to_string()).collect()
}

impl SavedField {
    fn of(track: &Track, read: &Read) -> Self {
        let bits = |part: &Vec<f64>| part.iter().map(|number| number.to_bits()).collect();
        let state =
            |state: &HostState| SavedState { parts: state.parts.iter().map(bits).collect(), dims: state.dims.clone() };
        Self {
            metrics: metrics(track.field),
            nature: track.nature.clone(),
            states: read.states.as_ref().map(|states| states.iter().map(state).collect()),
            first_non_finite: read.first.to_bits(),
            skipped: read.skipped as u64,
        }
    }

    fn lifted(&self) -> Result<Option<Lifted>> {
        let Some(states) = &self.states else { return Ok(None) };
        let numbers = |part: &Vec<u64>| part.iter().map(|&bits| f64::from_bits(bits)).collect();
        let state = |state: &SavedState| {
            HostState { parts: state.parts.iter().map(numbers).collect(), dims: state.dims.clone() }.to_state()
        };
        let number = |number: f64| Tensor::f_from_slice(&[number]);
        let skipped = (self.skipped > 0).then(|| number(self.skipped as f64)).transpose()?;
        let finite = Finite { first: number(f64::from_bits(self.first_non_finite))?, skipped };
        Ok(Some(Lifted { states: states.iter().map(state).collect::<Result<_>>()?, finite }))
    }
}
