//! What is asked of each leaf once in an update.

use tch::Kind;

use super::leaf::LeafRef;

/// A leaf with what libtorch said of it: each question costs as much as a good part of the aggregation.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) leaf: LeafRef<'a>,
    /// The size of a tensor or of weighted values; none of anything else.
    pub(crate) size: Vec<i64>,
    /// The kind of a tensor.
    pub(crate) kind: Option<Kind>,
}

impl<'a> From<LeafRef<'a>> for Seen<'a> {
    fn from(leaf: LeafRef<'a>) -> Self {
        let kind = if let LeafRef::Tensor(tensor) = leaf { Some(tensor.kind()) } else { None };
        Self { leaf, size: leaf.size(), kind }
    }
}
