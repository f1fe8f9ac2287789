//! One field of several shards.

use crate::diagnostic::leaf::LeafRef;
use crate::diagnostic::reduction::Gather;
use crate::diagnostic::samples::Samples;
use crate::diagnostic::schema::Field;

/// The values of one field, of the shards that have it, with the samples of each.
pub(super) struct Column<'a> {
    pub(super) field: &'static Field,
    pub(super) shards: Vec<(LeafRef<'a>, &'a Samples)>,
}

impl Column<'_> {
    /// The rule by which batch-level values are combined: that of the field's first reduction.
    pub(super) fn rule(&self) -> Gather {
        self.field.metrics.first().map_or(Gather::Mean, |metric| metric.reduce.gather())
    }
}
