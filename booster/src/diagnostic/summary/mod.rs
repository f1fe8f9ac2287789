//! What an aggregator makes of many steps: one typed value per metric.

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
/// Written by `#[derive(Diagnostic)]`. It prints as an aligned table with a row per metric, or in one [`line`](Self::line), where
/// seconds of a `Duration` field have a unit; a [`SummaryTable`] has several side by side. It goes through serde in
/// two levels, `{"loss": {"nll": 0.41}}`, where NaN is `null` and an infinity `"inf"` or `"-inf"` in text formats.
/// The value of an `Option` field is an `Option<f64>`: `None` where no step had it, which is `null`; there NaN is
/// `"NaN"`. What is read is what was written, bit for bit, if the format reads numbers so (JSON by `serde_json` with its
/// feature `float_roundtrip`).
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
    note = "for a struct of your own, add `#[derive(Diagnostic)]`: its `summary()`, or an `Aggregator`'s, is one",
    note = "for another crate's type, use what its `Diagnostic` gives as `Diagnostic::Summary`"
)]
pub trait Summary:
    Sized + Clone + fmt::Debug + PartialEq + fmt::Display + Serialize + DeserializeOwned + Send + 'static
{
    /// What the values are, in order.
    const SCHEMA: Schema;

    /// Takes its values off a queue.
    #[doc(hidden)]
    fn take(values: &mut Values) -> Result<Self>;

    /// Puts its values onto a queue.
    #[doc(hidden)]
    fn put(&self, values: &mut Values);

    /// The numbers that are there, with their group and name, in order of declaration.
    fn iter(&self) -> std::vec::IntoIter<SummaryEntry> {
        numbers(named(&Self::SCHEMA, Values::of(self))).into_iter()
    }

    /// All values, arrays, histograms and absent ones included, with their group and name, in order of declaration.
    fn values(&self) -> std::vec::IntoIter<SummaryEntry<Value>> {
        entries(named(&Self::SCHEMA, Values::of(self))).into_iter()
    }

    /// The number of a metric by name; `None` where there is no such metric, no step had it, or it is no number.
    fn get(&self, group: &str, name: &str) -> Option<f64> {
        self.iter().find(|entry| entry.group == group && entry.name == name).map(|entry| entry.value)
    }

    /// Formats the values that are there in one line: `loss/nll 0.3750  metrics/accuracy 0.5000`.
    fn line(&self) -> String {
        text::line(&named(&Self::SCHEMA, Values::of(self)))
    }

    /// Writes all numbers and histograms to a sink as one event: tags `group/name`. Arrays and values that are not there
    /// are left out.
    ///
    /// # Errors
    /// The sink's.
    fn log(&self, sink: &mut (impl Sink + ?Sized), step: u64) -> Result<()> {
        let values = named(&Self::SCHEMA, Values::of(self));
        sink.points(step, &points(&values))
    }
}

impl Values {
    /// The values of a summary.
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

// What follows is not generic: it is compiled here, and not with every struct of a user's.

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

/// What a sink is given: all but arrays and what is absent.
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

/// All metrics, those of one group together, in order of each group's first appearance.
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
