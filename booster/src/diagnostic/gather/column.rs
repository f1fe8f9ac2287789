//! One field of several shards.

use crate::diagnostic::leaf::LeafRef;
use crate::diagnostic::samples::Samples;
use crate::diagnostic::schema::Field;

/// How batch-level values of shards become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    Mean,
    Sum,
    Min,
    Max,
    Last,
}

/// The values of one field, of the shards that have it, with the samples of each.
pub(super) struct Column<'a> {
    pub(super) field: &'static Field,
    pub(super) shards: Vec<(LeafRef<'a>, &'a Samples)>,
}

impl Column<'_> {
    /// How batch-level values are combined: by the field's first reduction. Those that describe a distribution have the
    /// mean of the shards for a value.
    pub(super) fn combine(&self) -> Combine {
        match self.field.metrics.first().map(|metric| metric.reduce.name()) {
            Some("sum") => Combine::Sum,
            Some("min") => Combine::Min,
            Some("max") => Combine::Max,
            Some("last") => Combine::Last,
            _ => Combine::Mean,
        }
    }
}
