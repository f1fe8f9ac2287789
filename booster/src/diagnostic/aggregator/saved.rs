//! Saved aggregators, for checkpoints and other processes.

use std::fmt;

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor, no_grad_guard};

use super::field_state::FieldState;
use super::partial::{NonFiniteStatus, Partial};
use super::read::{HostFieldState, read};
use super::{Aggregator, field_states};
use crate::diagnostic::Diagnostic;
use crate::diagnostic::leaf::layout::Layout;
use crate::diagnostic::reduction::{Content, HostState, LeafValues, State};
use crate::diagnostic::schema::{Field, Metric, SchemaMetric};
use crate::error::{Error, Result};

/// The version of the saved format.
const VERSION: u32 = 1;

/// The number of updates beyond which double precision cannot distinguish consecutive ones.
const MOST_UPDATES: u64 = 1 << 53;

/// The largest number of entries per sample for which the form of a state is checked.
const MOST_ENTRIES: i64 = 1 << 24;

/// The state of an aggregator on the host, for serialization.
///
/// It can be loaded if the diagnostics have the same metrics and the states of their reductions have the same form. If
/// the meaning of a custom reduction's state changes but its form does not, increase its
/// [`VERSION`](crate::Reduction::VERSION).
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
    #[serde(default)]
    version: u32,
    schema_hash: u64,
    updates: u64,
    fields: Vec<SavedField>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedField {
    /// `group/name (reduction)` of each metric, so that errors can name the mismatch.
    metrics: Vec<String>,
    #[serde(rename = "nature")]
    layout: Option<Layout>,
    /// The states, with numbers stored as bits, since text formats have neither NaN nor infinity.
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
    /// Saves the state of the aggregator. This waits for the devices, with one read per device.
    ///
    /// # Errors
    /// Returns [`Error::Reduction`] if a pending value cannot be reduced, or [`Error::Torch`] if a libtorch operation
    /// fails.
    pub fn save(&mut self) -> Result<SavedAggregator> {
        let _no_grad = no_grad_guard();
        self.reduce_pending()?;
        let read = read(&self.field_states)?;
        let fields =
            self.field_states.iter().zip(read).map(|(field_state, read)| SavedField::of(field_state, &read)).collect();
        Ok(SavedAggregator { version: VERSION, schema_hash: D::SCHEMA.hash(), updates: self.updates, fields })
    }

    /// Loads a saved aggregator. Its states are on the CPU until values from another device are added.
    ///
    /// # Errors
    /// Returns [`Error::Schema`], naming the first metric that differs, if it was saved for different diagnostics or in
    /// a different format, or if it is damaged.
    pub fn load(saved: &SavedAggregator) -> Result<Self> {
        let _no_grad = no_grad_guard();
        let mut aggregator = Self::new();
        if saved.version != VERSION {
            return Err(Error::Schema(format!("expected format version {VERSION}, found {}", saved.version)));
        }
        if saved.updates > MOST_UPDATES {
            return Err(Error::Schema(format!("expected at most {MOST_UPDATES} updates, found {}", saved.updates)));
        }
        if saved.updates == 0 {
            if saved.fields.iter().any(|field| field.states.is_some()) {
                return Err(Error::Schema("expected no values without updates, found some".to_owned()));
            }
            return Ok(aggregator);
        }
        aggregator.field_states = field_states::<D>();
        check(saved, D::SCHEMA.hash(), &aggregator.field_states)?;
        for (field_state, field) in aggregator.field_states.iter_mut().zip(&saved.fields) {
            field.check(field_state, saved.updates)?;
            if let Some(partial) = field.partial()? {
                field_state.commit(partial);
            }
            field_state.layout.clone_from(&field.layout);
        }
        aggregator.updates = saved.updates;
        Ok(aggregator)
    }
}

/// Checks that the saved schema matches, or returns an error for the first difference.
fn check(saved: &SavedAggregator, hash: u64, field_states: &[FieldState]) -> Result<()> {
    let expected = field_states.iter().map(|field_state| metrics(field_state.field)).collect::<Vec<_>>();
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
        return Err(Error::Schema("the metrics match, but the optional or sample-count fields differ".to_owned()));
    }
    Ok(())
}

fn metrics(field: &'static Field) -> Vec<String> {
    let name = |&metric: &Metric| {
        let name = SchemaMetric { field, metric };
        match metric.reduce.version() {
            1 => name.to_string(),
            version => format!("{name} of version {version}"),
        }
    };
    field.metrics.iter().map(name).collect()
}

impl SavedField {
    fn of(field_state: &FieldState, read: &HostFieldState) -> Self {
        let bits = |part: &Vec<f64>| part.iter().map(|number| number.to_bits()).collect();
        let state =
            |state: &HostState| SavedState { parts: state.parts.iter().map(bits).collect(), dims: state.dims.clone() };
        Self {
            metrics: metrics(field_state.field),
            layout: field_state.layout.clone(),
            states: read.states.as_ref().map(|states| states.iter().map(state).collect()),
            first_non_finite: read.first.to_bits(),
            skipped: read.skipped as u64,
        }
    }

    /// Checks that the saved states have the form that the field's reductions produce.
    fn check(&self, field_state: &FieldState, updates: u64) -> Result<()> {
        let damaged = |metric: Option<&String>, expected: String, found: String| {
            let of = metric.map_or(field_state.field.name, String::as_str);
            Err(Error::Schema(format!("{of}: expected {expected}, found {found}")))
        };
        let first = f64::from_bits(self.first_non_finite);
        if first != f64::INFINITY && !(first >= 0.0 && first < updates as f64) {
            let expected = format!("a first non-finite update below {updates}");
            return damaged(self.metrics.first(), expected, first.to_string());
        }
        let Some(states) = &self.states else { return Ok(()) };
        if states.len() != field_state.reduces.len() {
            let expected = format!("{} states", field_state.reduces.len());
            return damaged(self.metrics.first(), expected, states.len().to_string());
        }
        let Some(layout) = &self.layout else {
            return damaged(self.metrics.first(), "a layout".to_owned(), "states without one".to_owned());
        };
        for (reduce, state) in field_state.reduces.iter().zip(states) {
            let metric = field_state.field.metrics.iter().position(|metric| reduce.shares_state(&metric.reduce));
            let metric = metric.and_then(|index| self.metrics.get(index));
            let of_one = probe(layout, 1).and_then(|leaf| leaf.map(|leaf| reduce.state_of(&leaf)).transpose());
            let of_two = probe(layout, 2).and_then(|leaf| leaf.map(|leaf| reduce.state_of(&leaf)).transpose());
            let (of_one, of_two) = match (of_one, of_two) {
                (Ok(Some(of_one)), Ok(Some(of_two))) => (Form::of(&of_one), Form::of(&of_two)),
                (Ok(_), Ok(_)) => continue,
                (Err(error), _) | (_, Err(error)) => {
                    return damaged(metric, "values that can be reduced".to_owned(), error.to_string());
                }
            };
            // The size of a state may depend on the number of values, which differs between the two probes.
            let found = Form { parts: state.parts.iter().map(Vec::len).collect(), dims: state.dims.clone() };
            if of_one == of_two && found != of_one {
                return damaged(metric, of_one.to_string(), found.to_string());
            }
        }
        Ok(())
    }

    fn partial(&self) -> Result<Option<Partial>> {
        let Some(states) = &self.states else { return Ok(None) };
        let numbers = |part: &Vec<u64>| part.iter().map(|&bits| f64::from_bits(bits)).collect();
        let state = |state: &SavedState| {
            HostState { parts: state.parts.iter().map(numbers).collect(), dims: state.dims.clone() }.to_state()
        };
        let number = |number: f64| Tensor::f_from_slice(&[number]);
        let skipped = (self.skipped > 0).then(|| number(self.skipped as f64)).transpose()?;
        let non_finite = NonFiniteStatus { first: number(f64::from_bits(self.first_non_finite))?, skipped };
        Ok(Some(Partial { states: states.iter().map(state).collect::<Result<_>>()?, non_finite }))
    }
}

/// The lengths of a state's parts, and its dims.
#[derive(PartialEq)]
struct Form {
    parts: Vec<usize>,
    dims: Vec<i64>,
}

impl Form {
    fn of(state: &State) -> Self {
        Self { parts: state.parts().iter().map(Tensor::numel).collect(), dims: state.dims().to_vec() }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a state with parts of lengths {:?} and dims {:?}", self.parts, self.dims)
    }
}

/// Returns rows of zeros in a layout, or `None` if rows are too large to allocate for a check.
fn probe(layout: &Layout, rows: i64) -> Result<Option<LeafValues>> {
    let dims = layout.row();
    let entries = dims.iter().try_fold(1, |entries: i64, &length| entries.checked_mul(length));
    if entries.is_none_or(|entries| entries > MOST_ENTRIES) {
        return Ok(None);
    }
    let options = (Kind::Double, Device::Cpu);
    let shape = [&[rows], dims].concat();
    let (values, ones) = (Tensor::f_zeros(&shape, options)?, Tensor::f_ones(&shape, options)?);
    Ok(Some(LeafValues::from(match layout {
        Layout::Numbers | Layout::Scalars => Content::Batches { values, samples: ones },
        Layout::Samples(_) => Content::Samples(values),
        Layout::Weighted(..) => Content::Weighted { values, weights: ones, spread: 1.0 },
        Layout::Ratios => {
            Content::Ratios { finite: values.f_isfinite()?, numerators: values, denominators: ones, skipped: None }
        }
    })))
}
