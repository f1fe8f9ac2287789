//! Aggregators that are kept: for a checkpoint, or for another process.

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

/// The form of what is saved; another one is refused.
const VERSION: u32 = 1;

/// More updates cannot be told apart in double precision.
const MOST_UPDATES: u64 = 1 << 53;

/// The most entries of a sample that a state is tried with.
const MOST_ENTRIES: i64 = 1 << 24;

/// All that an aggregator holds, on the host, to be written and read with serde.
///
/// It is read again if the diagnostics have the same metrics, and their reductions states of the same form. A reduction
/// of your own whose state changes its meaning but not its form needs another [`VERSION`](crate::Reduction::VERSION).
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
    /// `group/name (reduction)` of each metric: so that a mismatch can be named.
    metrics: Vec<String>,
    #[serde(rename = "nature")]
    layout: Option<Layout>,
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
        self.reduce_pending()?;
        let read = read(&self.field_states)?;
        let fields =
            self.field_states.iter().zip(read).map(|(field_state, read)| SavedField::of(field_state, &read)).collect();
        Ok(SavedAggregator { version: VERSION, schema_hash: D::SCHEMA.hash(), updates: self.updates, fields })
    }

    /// An aggregator that goes on where another was saved; its states are on the CPU until values of another device
    /// come.
    ///
    /// # Errors
    /// Returns [`Error::Schema`], with the first metric that differs, if it was saved for other diagnostics, in another
    /// form, or was damaged.
    pub fn load(saved: &SavedAggregator) -> Result<Self> {
        let _no_grad = no_grad_guard();
        let mut aggregator = Self::new();
        if saved.version != VERSION {
            return Err(Error::Schema(format!("expected version {VERSION} of its form, found {}", saved.version)));
        }
        if saved.updates > MOST_UPDATES {
            return Err(Error::Schema(format!("expected at most {MOST_UPDATES} updates, found {}", saved.updates)));
        }
        if saved.updates == 0 {
            if saved.fields.iter().any(|field| field.states.is_some()) {
                return Err(Error::Schema("expected no values without an update, found some".to_owned()));
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

/// The first difference between what was saved and what is asked for.
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
        return Err(Error::Schema("the same metrics, but other fields are optional or count samples".to_owned()));
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

    /// Whether its states are such as the reductions of a field make of values.
    fn check(&self, field_state: &FieldState, updates: u64) -> Result<()> {
        let damaged = |metric: Option<&String>, expected: String, found: String| {
            let of = metric.map_or(field_state.field.name, String::as_str);
            Err(Error::Schema(format!("{of}: expected {expected}, found {found}")))
        };
        let first = f64::from_bits(self.first_non_finite);
        if first != f64::INFINITY && !(first >= 0.0 && first < updates as f64) {
            let expected = format!("the first update that is not finite to be one of {updates}");
            return damaged(self.metrics.first(), expected, first.to_string());
        }
        let Some(states) = &self.states else { return Ok(()) };
        if states.len() != field_state.reduces.len() {
            let expected = format!("{} states", field_state.reduces.len());
            return damaged(self.metrics.first(), expected, states.len().to_string());
        }
        let Some(layout) = &self.layout else {
            return damaged(self.metrics.first(), "values of some form".to_owned(), "states without values".to_owned());
        };
        for (reduce, state) in field_state.reduces.iter().zip(states) {
            let metric = field_state.field.metrics.iter().position(|metric| reduce.shares_state(&metric.reduce));
            let metric = metric.and_then(|index| self.metrics.get(index));
            let of_one = probe(layout, 1).and_then(|leaf| leaf.map(|leaf| reduce.state_of(&leaf)).transpose());
            let of_two = probe(layout, 2).and_then(|leaf| leaf.map(|leaf| reduce.state_of(&leaf)).transpose());
            let (of_one, of_two) = match (of_one, of_two) {
                (Ok(Some(of_one)), Ok(Some(of_two))) => (Form::of(&of_one), Form::of(&of_two)),
                (Ok(_), Ok(_)) => continue,
                (Err(error), _) | (_, Err(error)) => return damaged(metric, "values".to_owned(), error.to_string()),
            };
            // A state may also grow with its values.
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
        write!(formatter, "a state of parts of lengths {:?} and dims {:?}", self.parts, self.dims)
    }
}

/// Some rows of zeros in a form; none if a row has too many entries to be made for a trial.
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
