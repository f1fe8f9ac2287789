//! What is asked of each leaf once in an update.

use booster_sys::info::{Info, NotDense, Shape};

use super::leaf::LeafRef;
use super::nature::is_real;
use super::schema::Field;
use crate::error::{Error, Result};

/// A leaf with what libtorch said of it: each question costs as much as a good part of the aggregation.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    /// Without the `Option`s around it.
    pub(crate) leaf: LeafRef<'a>,
    /// Whether its type is an `Option`, whatever the name that it is written under.
    pub(crate) is_optional: bool,
    /// What its one or two tensors are like.
    pub(crate) tensors: [Option<std::result::Result<Info, NotDense>>; 2],
}

impl Seen<'_> {
    /// The shape of a tensor or of weighted values; of anything else that of a number.
    pub(crate) fn size(&self) -> &Shape {
        match (self.leaf, &self.tensors[0]) {
            (LeafRef::Tensor(_) | LeafRef::Weighted(_), Some(Ok(info))) => &info.shape,
            _ => const { &Shape::SCALAR },
        }
    }

    /// Whether it is one value for all samples: a number or a 0-dimensional tensor.
    pub(crate) fn is_batch_level(&self) -> bool {
        self.size().is_empty() && !matches!(self.leaf, LeafRef::Absent | LeafRef::Ratio(_) | LeafRef::Weighted(_))
    }
}

impl<'a> From<LeafRef<'a>> for Seen<'a> {
    fn from(leaf: LeafRef<'a>) -> Self {
        let is_optional = matches!(leaf, LeafRef::Present(_));
        let leaf = leaf.inner();
        let tensors = leaf.tensors().map(|tensor| tensor.map(Info::of));
        Self { leaf, is_optional, tensors }
    }
}

impl Seen<'_> {
    /// Checks that its tensors can be computed with, and that weights fit their values.
    pub(crate) fn check(&self, field: &Field) -> Result<()> {
        let error = |expected: &str, found: String| {
            let expected = expected.to_owned();
            Err(Error::Leaf { group: field.group, field: field.name, expected, found })
        };
        for info in self.tensors.iter().flatten() {
            match info {
                Ok(info) if is_real(info.kind) => {}
                Ok(info) => return error("a tensor of a real or bool kind", format!("kind {:?}", info.kind)),
                Err(found) => return error("a dense tensor of a real or bool kind", found.to_string()),
            }
        }
        match self.leaf {
            LeafRef::Weighted(weighted) if !weighted.fits() => {
                error("weights of the values' shape or its first dimensions", self.leaf.to_string())
            }
            _ => Ok(()),
        }
    }

    /// A tensor of the leaf that was found to be dense.
    pub(crate) fn info(&self, index: usize) -> Option<&Info> {
        self.tensors[index].as_ref().and_then(|info| info.as_ref().ok())
    }
}
