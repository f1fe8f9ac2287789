//! A summary through serde, in two levels: `{"loss": {"nll": 0.41}}`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::schema::{Schema, SchemaMetric};
use super::summary::{GroupValues, Summary, by_group};
use super::value::{Array, Histogram, Value, Values};

/// Writes a map of groups, each a map of its metrics.
#[doc(hidden)]
pub fn serialize_summary<M: Summary, S: Serializer>(summary: &M, serializer: S) -> Result<S::Ok, S::Error> {
    serialize_values(&M::SCHEMA, Values::of(summary), serializer)
}

/// Reads a map of groups; metrics that the schema does not know are passed over, one that is missing is an error.
#[doc(hidden)]
pub fn deserialize_summary<'de, M: Summary, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    M::take(&mut deserialize_values(&M::SCHEMA, deserializer)?).map_err(D::Error::custom)
}

// What follows is compiled once for a format, and not once more for every summary.

fn serialize_values<S: Serializer>(schema: &Schema, values: Values, serializer: S) -> Result<S::Ok, S::Error> {
    let mut groups = by_group(schema, values);
    if serializer.is_human_readable() {
        nan_as_absent(schema, &mut groups);
    }
    let mut map = serializer.serialize_map(Some(groups.len()))?;
    for (group, metrics) in &groups {
        map.serialize_entry(group, &Group(metrics))?;
    }
    map.end()
}

/// Makes `null` of NaN where it can stand for nothing else: an optional metric that is absent is `null` as well.
fn nan_as_absent(schema: &Schema, groups: &mut [(&'static str, GroupValues)]) {
    let metrics = schema.metrics();
    for (group, values) in groups {
        for (name, value) in values {
            let of_name = |entry: &SchemaMetric| (entry.field.group, entry.metric.name) == (*group, *name);
            let is_nan = matches!(value, Value::Scalar(number) if number.is_nan());
            if is_nan && metrics.iter().any(|entry| of_name(entry) && !entry.field.optional) {
                *value = Value::Absent;
            }
        }
    }
}

fn deserialize_values<'de, D: Deserializer<'de>>(schema: &Schema, deserializer: D) -> Result<Values, D::Error> {
    let metrics = schema.metrics();
    let found = deserializer.deserialize_map(Groups { metrics: &metrics })?;
    for (entry, value) in metrics.iter().zip(&found) {
        if value.is_none() && !entry.field.optional {
            return Err(D::Error::custom(format!("missing metric `{}/{}`", entry.field.group, entry.metric.name)));
        }
    }
    Ok(found.into_iter().map(|value| value.unwrap_or(Value::Absent)).collect())
}

struct Group<'a>(&'a [(&'static str, Value)]);

impl Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value in its two forms: text formats tell numbers, arrays and histograms apart by themselves, others by a tag.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Absent(()),
    Scalar(f64),
    NonFinite(NonFinite),
    Array(Array),
    Histogram(Histogram),
}

/// Text formats have neither infinity nor NaN: there they are strings.
#[derive(Serialize, Deserialize)]
enum NonFinite {
    #[serde(rename = "inf")]
    Infinity,
    #[serde(rename = "-inf")]
    MinusInfinity,
    #[serde(rename = "NaN")]
    Nan,
}

#[derive(Serialize, Deserialize)]
enum Tagged {
    Absent,
    Scalar(f64),
    Array(Array),
    Histogram(Histogram),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let tagged = match self.clone() {
                Self::Absent => Tagged::Absent,
                Self::Scalar(number) => Tagged::Scalar(number),
                Self::Array(array) => Tagged::Array(array),
                Self::Histogram(histogram) => Tagged::Histogram(histogram),
            };
            return tagged.serialize(serializer);
        }
        let text = match self.clone() {
            Self::Absent => Text::Absent(()),
            Self::Scalar(number) if number.is_nan() => Text::NonFinite(NonFinite::Nan),
            Self::Scalar(f64::INFINITY) => Text::NonFinite(NonFinite::Infinity),
            Self::Scalar(f64::NEG_INFINITY) => Text::NonFinite(NonFinite::MinusInfinity),
            Self::Scalar(number) => Text::Scalar(number),
            Self::Array(array) => Text::Array(array),
            Self::Histogram(histogram) => Text::Histogram(histogram),
        };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = if deserializer.is_human_readable() {
            match Text::deserialize(deserializer)? {
                Text::Absent(()) => Self::Absent,
                Text::Scalar(number) => Self::Scalar(number),
                Text::NonFinite(NonFinite::Infinity) => Self::Scalar(f64::INFINITY),
                Text::NonFinite(NonFinite::MinusInfinity) => Self::Scalar(f64::NEG_INFINITY),
                Text::NonFinite(NonFinite::Nan) => Self::Scalar(f64::NAN),
                Text::Array(array) => Self::Array(array),
                Text::Histogram(histogram) => Self::Histogram(histogram),
            }
        } else {
            match Tagged::deserialize(deserializer)? {
                Tagged::Absent => Self::Absent,
                Tagged::Scalar(number) => Self::Scalar(number),
                Tagged::Array(array) => Self::Array(array),
                Tagged::Histogram(histogram) => Self::Histogram(histogram),
            }
        };
        value.checked().map_err(D::Error::custom)
    }
}

impl Value {
    /// The value, if its lengths fit.
    fn checked(self) -> Result<Self, String> {
        match &self {
            Self::Array(Array { shape, data }) => {
                let count = shape.iter().try_fold(1, |count: i64, &length| count.checked_mul(length));
                // Of no step there is no number, in no shape.
                if count != Some(data.len() as i64) && !(shape.is_empty() && data.is_empty()) {
                    return Err(format!("expected an array of shape {shape:?}, found {} numbers", data.len()));
                }
            }
            Self::Histogram(Histogram { edges, counts, .. }) => {
                if edges.len() != counts.len() + 1 && !(edges.is_empty() && counts.is_empty()) {
                    let (edges, counts) = (edges.len(), counts.len());
                    return Err(format!("expected one edge more than counts, found {edges} edges and {counts} counts"));
                }
            }
            Self::Absent | Self::Scalar(_) => {}
        }
        Ok(self)
    }
}

/// For each metric: whether it was found, and its value.
type Found = Vec<Option<Value>>;

struct Groups<'a> {
    metrics: &'a [SchemaMetric],
}

impl<'de> Visitor<'de> for Groups<'_> {
    type Value = Found;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of groups of metrics")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = vec![None; self.metrics.len()];
        while let Some(group) = map.next_key::<String>()? {
            map.next_value_seed(InGroup { metrics: self.metrics, group: &group, found: &mut found })?;
        }
        Ok(found)
    }
}

struct InGroup<'a> {
    metrics: &'a [SchemaMetric],
    group: &'a str,
    found: &'a mut Found,
}

impl<'de> DeserializeSeed<'de> for InGroup<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.metrics.iter().any(|entry| entry.field.group == self.group) {
            deserializer.deserialize_map(self)
        } else {
            deserializer.deserialize_ignored_any(IgnoredAny).map(drop)
        }
    }
}

impl<'de> Visitor<'de> for InGroup<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the metrics of group `{}`", self.group)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let of_name = |entry: &SchemaMetric| entry.field.group == self.group && entry.metric.name == name;
            match self.metrics.iter().position(of_name) {
                Some(index) => self.found[index] = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
