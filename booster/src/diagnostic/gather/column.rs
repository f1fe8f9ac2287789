//! The values of one field across shards.

use crate::diagnostic::leaf::LeafRef;
use crate::diagnostic::reduction::Gather;
use crate::diagnostic::samples::Samples;
use crate::diagnostic::schema::Field;

/// The values of one field across the shards that have it, with the sample count of each.
pub(super) struct Column<'a> {
    pub(super) field: &'static Field,
    pub(super) shards: Vec<(LeafRef<'a>, &'a Samples)>,
}

impl Column<'_> {
    /// Returns the rule for combining batch-level values: that of the field's first reduction.
    pub(super) fn rule(&self) -> Gather {
        self.field.metrics.first().map_or(Gather::Mean, |metric| metric.reduce.gather())
    }
}
