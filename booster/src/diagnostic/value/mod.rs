//! What a metric comes to: a number, an array, a histogram, or nothing.

mod serialization;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::histogram::Histogram;
use crate::serde_number;

/// What a metric comes to, in the form in which summaries are written and read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No step had it.
    Absent,
    /// A number.
    Scalar(f64),
    /// Numbers in a shape.
    Array(Array),
    /// Counts of values in buckets.
    Histogram(Histogram),
}

/// Numbers in a shape, in row-major order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Array {
    /// The length of each dimension.
    pub shape: Vec<i64>,
    /// The numbers.
    #[serde(with = "serde_number::numbers")]
    pub data: Vec<f64>,
}

/// A type that a metric of a summary can have: what a [`Reduction`](super::Reduction) comes to.
///
/// Implemented for `f64`, [`Array`] and [`Histogram`]; a reduction of the user's own can come to a type of theirs that
/// turns into one of these and back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a metric",
    label = "not a metric's value",
    note = "use `f64`, `booster::diagnostic::Array` or `Histogram`, or implement `booster::diagnostic::MetricValue`",
    note = "for another crate's type, keep its numbers in an `Array`"
)]
pub trait MetricValue: Clone + std::fmt::Debug + PartialEq + Send + 'static {
    /// The value in the form in which it is written.
    fn to_value(&self) -> Value;

    /// The value from the form in which it is written; [`Value::Absent`] where no step had it. `None` for another form.
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

/// A queue of values in the order of a schema's metrics.
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

/// The next value of a queue.
#[doc(hidden)]
pub fn take<V: MetricValue>(values: &mut Values) -> Result<V> {
    let value = values.next();
    // Text formats write NaN and what is absent alike.
    let or_nan = if value == Value::Absent { Some(Value::Scalar(f64::NAN)) } else { None };
    let taken = V::from_value(value).or_else(|| V::from_value(or_nan?));
    taken.ok_or_else(|| Error::custom("a metric's value is of another form than its type"))
}

/// The next value of a queue, if it is there.
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

/// Puts a value that may be absent onto a queue.
#[doc(hidden)]
pub fn put_optional<V: MetricValue>(value: &Option<V>, values: &mut Values) {
    values.0.push_back(value.as_ref().map_or(Value::Absent, MetricValue::to_value));
}
