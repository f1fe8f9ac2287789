//! A summary through serde, in two levels: `{"loss": {"nll": 0.41}}`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};

use super::schema::SchemaMetric;
use super::summary::{Summary, by_group};
use super::values::Values;

/// Writes a map of groups, each a map of its metrics.
#[doc(hidden)]
pub fn serialize_summary<M: Summary, S: Serializer>(summary: &M, serializer: S) -> Result<S::Ok, S::Error> {
    let groups = by_group(summary);
    let mut map = serializer.serialize_map(Some(groups.len()))?;
    for (group, metrics) in &groups {
        map.serialize_entry(group, &Group(metrics))?;
    }
    map.end()
}

/// Reads a map of groups; metrics that the schema does not know are passed over, one that is missing is an error.
#[doc(hidden)]
pub fn deserialize_summary<'de, M: Summary, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    let metrics = M::SCHEMA.metrics();
    let found = deserializer.deserialize_map(Groups { metrics: &metrics, summary: PhantomData::<M> })?;
    for (entry, value) in metrics.iter().zip(&found) {
        if value.is_none() && !entry.field.optional {
            return Err(D::Error::custom(format!("missing metric `{}/{}`", entry.field.group, entry.metric.name)));
        }
    }
    let mut values = found.into_iter().map(Option::flatten).collect::<Values>();
    Ok(M::take(&mut values))
}

struct Group<'a>(&'a [(&'static str, Option<f64>)]);

impl serde::Serialize for Group<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, &Number(*value))?;
        }
        map.end()
    }
}

/// A value, or none. Text formats have no infinity: there it is a string.
struct Number(Option<f64>);

impl serde::Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(value) if value.is_infinite() && serializer.is_human_readable() => {
                serializer.serialize_str(if value > 0.0 { "inf" } else { "-inf" })
            }
            Some(value) if value.is_nan() && serializer.is_human_readable() => serializer.serialize_none(),
            value if serializer.is_human_readable() => match value {
                Some(value) => serializer.serialize_f64(value),
                None => serializer.serialize_none(),
            },
            value => serde::Serialize::serialize(&value, serializer),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NumberVisitor)
        } else {
            serde::Deserialize::deserialize(deserializer).map(Self)
        }
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, null, \"inf\" or \"-inf\"")
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        Ok(Number(Some(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(Some(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(Some(value as f64)))
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_none<E>(self) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Number, E> {
        match value {
            "inf" => Ok(Number(Some(f64::INFINITY))),
            "-inf" => Ok(Number(Some(f64::NEG_INFINITY))),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }
}

/// For each metric: whether it was found, and its value.
type Found = Vec<Option<Option<f64>>>;

struct Groups<'a, M> {
    metrics: &'a [SchemaMetric],
    summary: PhantomData<M>,
}

impl<'de, M: Summary> Visitor<'de> for Groups<'_, M> {
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
                Some(index) => self.found[index] = Some(map.next_value::<Number>()?.0),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
