//! What is asked of each leaf once in an update.

use tch::Kind;

use super::leaf::LeafRef;

/// A leaf with what libtorch said of it: each question costs as much as a good part of the aggregation.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) leaf: LeafRef<'a>,
    /// The size of a tensor or of weighted values; none of anything else.
    pub(crate) size: Vec<i64>,
    /// The kinds of its one or two tensors.
    pub(crate) kinds: [Option<Kind>; 2],
}

impl Seen<'_> {
    /// Whether it is one value for all samples: a number or a 0-dimensional tensor.
    pub(crate) fn is_batch_level(&self) -> bool {
        self.size.is_empty() && !matches!(self.leaf, LeafRef::Absent | LeafRef::Ratio(_) | LeafRef::Weighted(_))
    }
}

impl<'a> From<LeafRef<'a>> for Seen<'a> {
    fn from(leaf: LeafRef<'a>) -> Self {
        Self { leaf, size: leaf.size(), kinds: leaf.kinds() }
    }
}
