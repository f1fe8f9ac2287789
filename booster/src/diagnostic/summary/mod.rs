//! Summaries of many steps: one typed value per metric.

mod empty;
mod entry;
mod serialization;
mod table;
mod text;

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::empty::EmptySummary;
pub use self::entry::SummaryEntry;
pub use self::serialization::{deserialize_summary, serialize_summary};
pub use self::table::{SummaryTable, format_summary};
pub(crate) use self::text::number;
use super::schema::{Schema, SchemaMetric};
use super::value::{Value, Values};
use crate::error::Result;
use crate::logging::{Point, PointData, Sink};

/// One value per metric, by group: `summary.loss.nll` is an `f64`.
///
/// `#[derive(Diagnostic)]` generates it. It prints as an aligned table with a row per metric, or as one
/// [`line`](Self::line), with units for `Duration` fields; [`SummaryTable`] prints several side by side.
///
/// It serializes as a map of groups, `{"loss": {"nll": 0.41}}`. In text formats, NaN is `null` and infinities are
/// `"inf"` and `"-inf"`. The metric of an `Option` field is an `Option<f64>`: it is `None`, written as `null`, if no
/// step had a value, and its NaN is written as `"NaN"`. Values survive a round trip bit for bit if the format parses
/// floats exactly (for `serde_json`, with its `float_roundtrip` feature).
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::Tensor;
///
/// #[derive(Diagnostic)]
/// struct Classified {
///     #[group = "loss"]
///     nll: Tensor,
///     #[group = "metrics"]
///     accuracy: Tensor,
/// }
///
/// # fn main() -> booster::Result<()> {
/// let step = Classified {
///     nll: Tensor::from_slice(&[0.5f32, 0.25]),
///     accuracy: Tensor::from_slice(&[true, false]),
/// };
/// let summary = step.summary()?;
/// assert_eq!(summary.loss.nll, 0.375);
/// assert_eq!(summary.get("metrics", "accuracy"), Some(0.5));
/// assert_eq!(summary.iter().map(|entry| entry.tag()).collect::<Vec<_>>(), ["loss/nll", "metrics/accuracy"]);
/// assert_eq!(summary.to_string(), "loss     nll       0.3750\nmetrics  accuracy  0.5000");
/// assert_eq!(summary.line(), "loss/nll 0.3750  metrics/accuracy 0.5000");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a summary",
    label = "not a summary",
    note = "for your own struct, add `#[derive(Diagnostic)]` and call `summary()` on it or on its `Aggregator`",
    note = "for a foreign type, use the `Diagnostic::Summary` of its `Diagnostic`"
)]
pub trait Summary:
    Sized + Clone + fmt::Debug + PartialEq + fmt::Display + Serialize + DeserializeOwned + Send + 'static
{
    /// The schema of the values.
    const SCHEMA: Schema;

    /// Takes the summary's values off a queue.
    #[doc(hidden)]
    fn take(values: &mut Values) -> Result<Self>;

    /// Puts the summary's values onto a queue.
    #[doc(hidden)]
    fn put(&self, values: &mut Values);

    /// Iterates over the scalar values that are present, in declaration order.
    fn iter(&self) -> std::vec::IntoIter<SummaryEntry> {
        numbers(named(&Self::SCHEMA, Values::of(self))).into_iter()
    }

    /// Iterates over all values, including arrays, histograms and absent ones, in declaration order.
    fn values(&self) -> std::vec::IntoIter<SummaryEntry<Value>> {
        entries(named(&Self::SCHEMA, Values::of(self))).into_iter()
    }

    /// Returns a scalar value by name, or `None` if the metric does not exist, is absent or is not a number.
    fn get(&self, group: &str, name: &str) -> Option<f64> {
        self.iter().find(|entry| entry.group == group && entry.name == name).map(|entry| entry.value)
    }

    /// Formats the values that are present on one line: `loss/nll 0.3750  metrics/accuracy 0.5000`.
    fn line(&self) -> String {
        text::line(&named(&Self::SCHEMA, Values::of(self)))
    }

    /// Writes the numbers and histograms to a sink as one event, with tags `group/name`. Arrays and absent values are
    /// omitted.
    ///
    /// # Errors
    /// Returns the sink's error.
    fn log(&self, sink: &mut (impl Sink + ?Sized), step: u64) -> Result<()> {
        let values = named(&Self::SCHEMA, Values::of(self));
        sink.points(step, &points(&values))
    }
}

impl Values {
    /// Collects the values of a summary.
    pub fn of<S: Summary>(summary: &S) -> Self {
        let mut values = Self::default();
        summary.put(&mut values);
        values
    }
}

/// A value with its group and name.
struct Named {
    group: &'static str,
    name: &'static str,
    in_seconds: bool,
    value: Value,
}

// The rest is not generic, so that it is compiled once rather than once per user struct.

fn named(schema: &Schema, values: Values) -> Vec<Named> {
    let named = |(SchemaMetric { field, metric }, value)| Named {
        group: field.group,
        name: metric.name,
        in_seconds: metric.reduce.is_in_seconds(),
        value,
    };
    schema.metrics().into_iter().zip(values.into_iter()).map(named).collect()
}

fn entries(values: Vec<Named>) -> Vec<SummaryEntry<Value>> {
    values.into_iter().map(|Named { group, name, value, .. }| SummaryEntry::new(group, name, value)).collect()
}

fn numbers(values: Vec<Named>) -> Vec<SummaryEntry> {
    let number = |Named { group, name, value, .. }| match value {
        Value::Scalar(number) => Some(SummaryEntry::new(group, name, number)),
        Value::Absent | Value::Array(_) | Value::Histogram(_) => None,
    };
    values.into_iter().filter_map(number).collect()
}

/// Converts values to points of a sink, omitting arrays and absent values.
fn points(values: &[Named]) -> Vec<Point<'_>> {
    let mut points = Vec::with_capacity(values.len());
    for Named { group, name, value, .. } in values {
        let data = match value {
            Value::Scalar(number) => PointData::Scalar(*number),
            Value::Histogram(histogram) => PointData::Histogram(histogram),
            Value::Absent | Value::Array(_) => continue,
        };
        points.push(Point { group, name, data });
    }
    points
}

/// The metrics of a group with their values.
pub(crate) type GroupValues = Vec<(&'static str, Value)>;

/// Groups the metrics, in order of each group's first appearance.
pub(crate) fn by_group(schema: &Schema, values: Values) -> Vec<(&'static str, GroupValues)> {
    let mut groups: Vec<(&'static str, GroupValues)> = Vec::new();
    for Named { group, name, value, .. } in named(schema, values) {
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, metrics)) => metrics.push((name, value)),
            None => groups.push((group, vec![(name, value)])),
        }
    }
    groups
}
