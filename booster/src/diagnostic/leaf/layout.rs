//! The layout of a field's values, and the shape, kind and device of one value, read once per update.

use std::fmt;

use booster_sys::info::{Info, NotDense, Shape};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::LeafRef;
use super::weighted::Weighted;
use crate::kind::is_real;

/// The layout that every value of a field must keep, so that values of many updates can be joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Layout {
    /// Numbers on the host.
    Numbers,
    /// 0-dimensional tensors.
    Scalars,
    /// Tensors `[batch, *dims]`, with the given `dims`.
    Samples(Vec<i64>),
    /// Weighted values, with the dimensions after the first of the values and of the weights; `None` if 0-dimensional.
    Weighted(Option<Vec<i64>>, Option<Vec<i64>>),
    /// Ratios of any shape.
    Ratios,
}

impl Layout {
    pub(crate) fn of(leaf: LeafRef<'_>) -> Option<Self> {
        match leaf {
            LeafRef::Absent => None,
            LeafRef::Present(leaf) => Self::of(leaf.leaf_ref()),
            LeafRef::Tensor(tensor) => Some(dims(tensor).map_or(Self::Scalars, Self::Samples)),
            LeafRef::Weighted(Weighted { value, weight }) => Some(Self::Weighted(dims(value), dims(weight))),
            LeafRef::Ratio(_) => Some(Self::Ratios),
            LeafRef::Float(_) | LeafRef::Integer(_) | LeafRef::Boolean(_) | LeafRef::Duration(_) => Some(Self::Numbers),
        }
    }

    /// Returns the dims of a row of values; empty if rows have no entries, since there is nothing to reduce.
    pub(crate) fn row(&self) -> &[i64] {
        match self {
            Self::Samples(dims) | Self::Weighted(Some(dims), _) if !dims.contains(&0) => dims,
            _ => &[],
        }
    }

    /// Returns whether a tensor of this size has this layout, without allocating a layout for the tensor.
    pub(crate) fn admits(&self, size: &[i64]) -> bool {
        match self {
            Self::Scalars => size.is_empty(),
            Self::Samples(dims) => size.split_first().is_some_and(|(_, rest)| rest == dims.as_slice()),
            _ => false,
        }
    }
}

/// Returns the dimensions after the first; `None` for a 0-dimensional tensor.
fn dims(tensor: &Tensor) -> Option<Vec<i64>> {
    tensor.size().split_first().map(|(_, dims)| dims.to_vec())
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape = |dims: &[i64]| {
            let dims = dims.iter().map(ToString::to_string);
            format!("[{}]", std::iter::once("batch".to_owned()).chain(dims).collect::<Vec<_>>().join(", "))
        };
        let any_shape = |dims: &Option<Vec<i64>>| dims.as_deref().map_or_else(|| "[]".to_owned(), shape);
        match self {
            Self::Numbers => formatter.write_str("a number"),
            Self::Scalars => formatter.write_str("a 0-dimensional tensor"),
            Self::Samples(dims) => write!(formatter, "a tensor of shape {}", shape(dims)),
            Self::Weighted(values, weights) => {
                let (values, weights) = (any_shape(values), any_shape(weights));
                write!(formatter, "values of shape {values} with weights of shape {weights}")
            }
            Self::Ratios => formatter.write_str("a ratio"),
        }
    }
}

/// A leaf and the shape, kind and device of its tensors, read once per update because these calls into libtorch are
/// expensive compared to the aggregation itself.
#[derive(Debug)]
pub(crate) struct LeafInfo<'a> {
    /// The leaf, without any enclosing `Option`s.
    pub(crate) leaf: LeafRef<'a>,
    /// Whether the leaf is the content of an `Option`, even one behind an alias or type parameter.
    pub(crate) is_optional: bool,
    /// The properties of the leaf's tensors, at most two.
    pub(crate) tensors: [Option<Result<Info, NotDense>>; 2],
}

impl LeafInfo<'_> {
    /// Returns the shape of a tensor or weighted values, or that of a scalar for any other leaf.
    pub(crate) fn size(&self) -> &Shape {
        match (self.leaf, &self.tensors[0]) {
            (LeafRef::Tensor(_) | LeafRef::Weighted(_), Some(Ok(info))) => &info.shape,
            _ => const { &Shape::SCALAR },
        }
    }

    /// Returns whether the leaf is one value for all samples: a number or a 0-dimensional tensor.
    pub(crate) fn is_batch_level(&self) -> bool {
        self.size().is_empty() && !matches!(self.leaf, LeafRef::Absent | LeafRef::Ratio(_) | LeafRef::Weighted(_))
    }
}

impl<'a> From<LeafRef<'a>> for LeafInfo<'a> {
    fn from(leaf: LeafRef<'a>) -> Self {
        let is_optional = matches!(leaf, LeafRef::Present(_));
        let leaf = leaf.inner();
        let tensors = leaf.tensors().map(|tensor| tensor.map(Info::of));
        Self { leaf, is_optional, tensors }
    }
}

impl LeafInfo<'_> {
    /// Describes what was expected and found if a tensor is not dense, if it is not of a real or bool kind, or if
    /// weights do not fit their values.
    pub(crate) fn flaw(&self) -> Option<(&'static str, String)> {
        for info in self.tensors.iter().flatten() {
            match info {
                Ok(info) if is_real(info.kind) => {}
                Ok(info) => return Some(("a tensor of a real or bool kind", format!("kind {:?}", info.kind))),
                Err(found) => return Some(("a dense tensor of a real or bool kind", found.to_string())),
            }
        }
        match self.leaf {
            LeafRef::Weighted(weighted) if !weighted.fits() => {
                Some(("weights of the values' shape or its first dimensions", self.leaf.to_string()))
            }
            _ => None,
        }
    }

    /// Returns the properties of a tensor of the leaf, if it is dense.
    pub(crate) fn tensor_info(&self, index: usize) -> Option<&Info> {
        self.tensors[index].as_ref().and_then(|info| info.as_ref().ok())
    }
}
