//! The schema of diagnostics, as a constant.

mod check;

use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::leaf::layout::LeafInfo;
use super::reduction::Reduce;
use crate::error::{Error, Result};

/// The fields and metrics of diagnostics, in declaration order, known at compile time.
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
///     #[metric(max)]
///     confidence: Tensor,
/// }
///
/// let schema = <Classified as Diagnostic>::SCHEMA;
/// let tags = schema.metrics().iter().map(ToString::to_string).collect::<Vec<_>>();
/// assert_eq!(tags, ["loss/nll (mean)", "metrics/confidence (max)"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    #[doc(hidden)]
    pub entries: &'static [Entry],
}

/// A field, or the schema of flattened diagnostics.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Field(Field),
    Flatten(Schema),
    /// A marker that the batch size is known, as a fallback for batch-level fields.
    BatchSize,
}

/// A field of diagnostics and its metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field's group.
    pub group: &'static str,
    /// The field's name.
    pub name: &'static str,
    /// Whether the field's type is written as an `Option`, which makes its metrics `Option`s as well. If the `Option`
    /// is hidden behind a type parameter or alias, the metrics are NaN when every step was `None`.
    pub optional: bool,
    /// Whether the field is the sample count of the diagnostics.
    pub samples: bool,
    /// The field's metrics in a summary.
    pub metrics: &'static [Metric],
}

impl Field {
    /// Returns an [`Error::Mismatch`] for a value of the field.
    pub(crate) fn error(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        let Self { group, name: field, .. } = *self;
        Error::leaf(group, field, expected.to_string(), found.to_string())
    }

    /// Checks that a value's tensors are dense and real or bool, and that weights fit their values.
    pub(crate) fn check(&self, info: &LeafInfo<'_>) -> Result<()> {
        info.flaw().map_or(Ok(()), |(expected, found)| Err(self.error(expected, found)))
    }
}

/// One value of a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The metric's name in the summary.
    pub name: &'static str,
    /// The reduction over steps.
    pub reduce: Reduce,
}

/// A metric and its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaMetric {
    /// The metric's field.
    pub field: &'static Field,
    /// The metric.
    pub metric: Metric,
}

impl fmt::Display for SchemaMetric {
    /// Formats as `group/name (reduction)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{} ({})", self.field.group, self.metric.name, self.metric.reduce)
    }
}

impl Schema {
    /// The schema of diagnostics without fields.
    pub const EMPTY: Self = Self { entries: &[] };

    /// Returns the fields in declaration order, with those of flattened diagnostics in place.
    pub fn fields(&self) -> Vec<&'static Field> {
        fn collect(entries: &'static [Entry], fields: &mut Vec<&'static Field>) {
            for entry in entries {
                match entry {
                    Entry::Field(field) => fields.push(field),
                    Entry::Flatten(schema) => collect(schema.entries, fields),
                    Entry::BatchSize => {}
                }
            }
        }
        let mut fields = Vec::new();
        collect(self.entries, &mut fields);
        fields
    }

    /// Returns the metrics in declaration order, one per value of the summary.
    pub fn metrics(&self) -> Vec<SchemaMetric> {
        let of_field = |field: &'static Field| field.metrics.iter().map(move |&metric| SchemaMetric { field, metric });
        self.fields().into_iter().flat_map(of_field).collect()
    }
}

impl Serialize for Schema {
    /// Serializes for dashboards, as
    /// `{"hash": "..", "metrics": [{"group", "name", "field", "reduction", "parameters", "optional"}, ..]}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut schema = serializer.serialize_struct("Schema", 2)?;
        schema.serialize_field("hash", &format!("{:016x}", self.hash()))?;
        schema.serialize_field("metrics", &self.metrics())?;
        schema.end()
    }
}

impl Serialize for SchemaMetric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut metric = serializer.serialize_struct("SchemaMetric", 6)?;
        metric.serialize_field("group", self.field.group)?;
        metric.serialize_field("name", self.metric.name)?;
        metric.serialize_field("field", self.field.name)?;
        metric.serialize_field("reduction", self.metric.reduce.name())?;
        metric.serialize_field("parameters", self.metric.reduce.parameters())?;
        metric.serialize_field("optional", &self.field.optional)?;
        metric.end()
    }
}
