//! The value of a metric: a number, an array, a histogram, or absent.

mod serialization;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::serde_number;

/// The value of a metric, in the form used for serialization.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value, because no step had one.
    Absent,
    /// A number.
    Scalar(f64),
    /// An array of numbers.
    Array(Array),
    /// A histogram.
    Histogram(Histogram),
}

/// An array of numbers, in row-major order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Array {
    /// The length of each dimension.
    pub shape: Vec<i64>,
    /// The numbers.
    #[serde(with = "serde_number::numbers")]
    pub data: Vec<f64>,
}

/// A type for the metrics of a summary: the output of a [`Reduction`](super::Reduction).
///
/// It is implemented for `f64`, [`Array`] and [`Histogram`]. A custom reduction can use its own type if that type
/// converts to and from one of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a metric",
    label = "not a metric's value",
    note = "use `f64`, `booster::diagnostic::Array` or `Histogram`, or implement `booster::diagnostic::MetricValue`",
    note = "for a foreign type, store its numbers in an `Array`"
)]
pub trait MetricValue: Clone + std::fmt::Debug + PartialEq + Send + 'static {
    /// Converts the value to its serialized form.
    fn to_value(&self) -> Value;

    /// Converts the value from its serialized form, which is [`Value::Absent`] if no step had a value. Returns `None`
    /// if the form does not match.
    fn from_value(value: Value) -> Option<Self>;
}

impl MetricValue for f64 {
    fn to_value(&self) -> Value {
        Value::Scalar(*self)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Scalar(number) => Some(number),
            Value::Absent => Some(Self::NAN),
            Value::Array(_) | Value::Histogram(_) => None,
        }
    }
}

impl MetricValue for Array {
    fn to_value(&self) -> Value {
        Value::Array(self.clone())
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Array(array) => Some(array),
            Value::Absent => Some(Self::default()),
            Value::Scalar(_) | Value::Histogram(_) => None,
        }
    }
}

impl MetricValue for Histogram {
    fn to_value(&self) -> Value {
        Value::Histogram(self.clone())
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Histogram(histogram) => Some(histogram),
            Value::Absent => Some(Self::default()),
            Value::Scalar(_) | Value::Array(_) => None,
        }
    }
}

/// A queue of values, in the order of a schema's metrics.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Values(VecDeque<Value>);

impl Values {
    pub(crate) fn into_iter(self) -> impl Iterator<Item = Value> {
        self.0.into_iter()
    }

    fn next(&mut self) -> Value {
        self.0.pop_front().unwrap_or(Value::Absent)
    }
}

impl FromIterator<Value> for Values {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Takes the next value off a queue.
#[doc(hidden)]
pub fn take<V: MetricValue>(values: &mut Values) -> Result<V> {
    let value = values.next();
    // Text formats write both NaN and absent values as `null`.
    let or_nan = if value == Value::Absent { Some(Value::Scalar(f64::NAN)) } else { None };
    let taken = V::from_value(value).or_else(|| V::from_value(or_nan?));
    taken.ok_or_else(|| Error::custom("the value of a metric does not match its type"))
}

/// Takes the next value off a queue, or `None` if it is absent.
#[doc(hidden)]
pub fn take_optional<V: MetricValue>(values: &mut Values) -> Result<Option<V>> {
    match values.next() {
        Value::Absent => Ok(None),
        value => take(&mut Values(VecDeque::from([value]))).map(Some),
    }
}

/// Puts a value onto a queue.
#[doc(hidden)]
pub fn put<V: MetricValue>(value: &V, values: &mut Values) {
    values.0.push_back(value.to_value());
}

/// Puts an optional value onto a queue.
#[doc(hidden)]
pub fn put_optional<V: MetricValue>(value: &Option<V>, values: &mut Values) {
    values.0.push_back(value.as_ref().map_or(Value::Absent, MetricValue::to_value));
}
