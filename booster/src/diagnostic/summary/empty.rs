//! The summary of diagnostics without fields.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Summary;
use super::serialization::{deserialize_summary, serialize_summary};
use super::table::format_summary;
use crate::diagnostic::schema::Schema;
use crate::diagnostic::value::Values;
use crate::error::Result;

/// The summary of diagnostics without fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EmptySummary;

impl Summary for EmptySummary {
    const SCHEMA: Schema = Schema::EMPTY;

    fn take(_: &mut Values) -> Result<Self> {
        Ok(Self)
    }

    fn put(&self, _: &mut Values) {}
}

impl fmt::Display for EmptySummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        format_summary(&Self::SCHEMA, Values::of(self), formatter)
    }
}

impl Serialize for EmptySummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_summary(self, serializer)
    }
}

impl<'de> Deserialize<'de> for EmptySummary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_summary(deserializer)
    }
}
