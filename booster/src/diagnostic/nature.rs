//! What all values of a field have in common, so that those of many updates can be joined.

use std::fmt;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::leaf::LeafRef;
use super::weights::Weighted;

/// The form of a field's values: it stays the same from update to update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Nature {
    /// Numbers on the host.
    Numbers,
    /// 0-dimensional tensors.
    Scalars,
    /// Tensors `[batch, *dims]`, with these dims.
    Samples(Vec<i64>),
    /// Weighted values, with the dims after the first of values and of weights; none for a 0-dimensional one.
    Weighted(Option<Vec<i64>>, Option<Vec<i64>>),
    /// Ratios of any shape.
    Ratios,
}

impl Nature {
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

    /// The dims after the first of values in a row; none where a row has no entries, since there is nothing to reduce.
    pub(crate) fn row(&self) -> &[i64] {
        match self {
            Self::Samples(dims) | Self::Weighted(Some(dims), _) if !dims.contains(&0) => dims,
            _ => &[],
        }
    }

    /// Whether a tensor of this size is of this nature, without making the nature of the tensor.
    pub(crate) fn admits(&self, size: &[i64]) -> bool {
        match self {
            Self::Scalars => size.is_empty(),
            Self::Samples(dims) => size.split_first().is_some_and(|(_, rest)| rest == dims.as_slice()),
            _ => false,
        }
    }
}

/// The dimensions after the first.
fn dims(tensor: &Tensor) -> Option<Vec<i64>> {
    tensor.size().split_first().map(|(_, dims)| dims.to_vec())
}

impl fmt::Display for Nature {
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

/// Whether values of a kind can be aggregated.
pub(crate) fn is_real(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Uint8
            | Kind::Int8
            | Kind::Int16
            | Kind::Int
            | Kind::Int64
            | Kind::Half
            | Kind::BFloat16
            | Kind::Float
            | Kind::Double
            | Kind::Bool
            | Kind::Float8e5m2
            | Kind::Float8e4m3fn
            | Kind::Float8e5m2fnuz
            | Kind::Float8e4m3fnuz
    )
}
