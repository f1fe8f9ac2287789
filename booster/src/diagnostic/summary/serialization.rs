//! Serialization of summaries as a map of groups: `{"loss": {"nll": 0.41}}`.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::{GroupValues, Summary, by_group};
use crate::diagnostic::schema::{Schema, SchemaMetric};
use crate::diagnostic::value::{Value, Values};

/// Serializes a map of groups, each a map of its metrics.
#[doc(hidden)]
pub fn serialize_summary<M: Summary, S: Serializer>(summary: &M, serializer: S) -> Result<S::Ok, S::Error> {
    serialize_values(&M::SCHEMA, Values::of(summary), serializer)
}

/// Deserializes a map of groups. Unknown metrics are ignored; a missing one is an error unless it is optional.
#[doc(hidden)]
pub fn deserialize_summary<'de, M: Summary, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    M::take(&mut deserialize_values(&M::SCHEMA, deserializer)?).map_err(D::Error::custom)
}

// The rest is not generic over the summary type, so that it is compiled only once per format.

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

/// Replaces NaN by `null` in metrics that are not optional. For optional ones, `null` already means absent.
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

/// The value of each metric, if found.
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
