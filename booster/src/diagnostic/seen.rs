//! What is asked of each leaf once in an update.

use booster_sys::info::{Info, NotDense, Shape};

use super::leaf::LeafRef;

/// A leaf with what libtorch said of it: each question costs as much as a good part of the aggregation.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) leaf: LeafRef<'a>,
    /// The shape of a tensor or of weighted values; of anything else that of a number.
    pub(crate) size: Shape,
    /// What its one or two tensors are like.
    pub(crate) tensors: [Option<Result<Info, NotDense>>; 2],
}

impl Seen<'_> {
    /// Whether it is one value for all samples: a number or a 0-dimensional tensor.
    pub(crate) fn is_batch_level(&self) -> bool {
        self.size.is_empty() && !matches!(self.leaf, LeafRef::Absent | LeafRef::Ratio(_) | LeafRef::Weighted(_))
    }
}

impl<'a> From<LeafRef<'a>> for Seen<'a> {
    fn from(leaf: LeafRef<'a>) -> Self {
        let tensors = leaf.tensors().map(|tensor| tensor.map(Info::of));
        let size = match (leaf, &tensors[0]) {
            (LeafRef::Tensor(_) | LeafRef::Weighted(_), Some(Ok(info))) => info.shape.clone(),
            _ => Shape::SCALAR,
        };
        Self { leaf, size, tensors }
    }
}

impl Seen<'_> {
    /// A tensor of the leaf that was found to be dense.
    pub(crate) fn info(&self, index: usize) -> Option<&Info> {
        self.tensors[index].as_ref().and_then(|info| info.as_ref().ok())
    }
}
