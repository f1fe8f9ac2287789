//! Leaves: the field types of diagnostics.

pub(crate) mod layout;
mod types;
mod weighted;

use std::fmt;
use std::time::Duration;

use booster_sys::identity;
use tch::Tensor;

pub use self::weighted::{Ratio, Weighted};
pub(crate) use self::weighted::{rows_of, spread};
use crate::error::Result;
use crate::sealed::Sealed;

/// A type for metric fields of diagnostics.
///
/// | Type | Weight |
/// |---|---|
/// | [`Tensor`] of rank 1 or more, `[batch, *dims]`, real or bool | 1 per entry of dimension 0 (per-sample) |
/// | [`Tensor`] of rank 0, `f32`, `f64`, integers, `bool` (1 or 0), [`Duration`] (seconds) | the sample count of its diagnostics (batch-level) |
/// | [`Ratio`] | its denominator |
/// | [`Weighted`] | its weights |
/// | [`Loss`](crate::Loss) | its weight, or the sample count of its diagnostics |
/// | `Option` of these | none if it is `None` |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a metric",
    label = "not a metric",
    note = "metrics are `Tensor`, `f32`, `f64`, integers, `bool`, `Duration`, `Ratio`, `Weighted`, and `Option` of these",
    note = "for a list, use one field per entry, or a `Tensor` of shape `[batch, entries]` with `#[metric(mean_dims)]`",
    note = "for a foreign type, store a number or a `Tensor` computed from it",
    note = "for a struct of metrics, derive `Diagnostic` on it and mark this field `#[diagnostic(flatten)]`",
    note = "to exclude this field from aggregation, mark it `#[diagnostic(skip)]`"
)]
pub trait Leaf: Sealed + fmt::Debug + 'static {
    /// Borrows the value.
    #[doc(hidden)]
    fn leaf_ref(&self) -> LeafRef<'_>;

    /// Borrows the value mutably, with its type erased.
    #[doc(hidden)]
    fn leaf_mut(&mut self) -> &mut dyn Leaf;

    /// Returns a shallow clone.
    #[doc(hidden)]
    fn share_leaf(&self) -> Self
    where
        Self: Sized;

    /// Returns the number of in-place writes to the leaf's tensors.
    #[doc(hidden)]
    fn writes(&self) -> u64 {
        writes(self.leaf_ref().tensors())
    }

    /// Returns the leaf's tensors mutably, in the order of [`LeafRef::tensors`].
    #[doc(hidden)]
    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        [None, None]
    }

    /// Converts a value to a leaf, or returns the value as an error if the type cannot hold it.
    #[doc(hidden)]
    fn from_value(value: LeafValue) -> Result<Self, LeafValue>
    where
        Self: Sized;

    /// Assigns a value, or returns it as an error if the type cannot hold it.
    #[doc(hidden)]
    fn assign(&mut self, value: LeafValue) -> Result<(), LeafValue>;
}

/// Returns the number of in-place writes to the tensors of a value.
pub(crate) fn writes(tensors: [Option<&Tensor>; 2]) -> u64 {
    tensors.into_iter().flatten().filter_map(identity::version).sum()
}

/// A type that can hold the sample count of diagnostics, for `#[metric(samples)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot count samples",
    label = "not a sample count",
    note = "`#[metric(samples)]` requires an integer, `f32`, `f64` or a 0-dimensional `Tensor`: convert the count to one \
            of these"
)]
pub trait SampleCount: Leaf {
    /// Calls [`Leaf::leaf_ref`], so that the macro needs only this trait.
    #[doc(hidden)]
    fn count_ref(&self) -> LeafRef<'_> {
        self.leaf_ref()
    }

    /// Calls [`Leaf::leaf_mut`], so that the macro needs only this trait.
    #[doc(hidden)]
    fn count_mut(&mut self) -> &mut dyn Leaf {
        self.leaf_mut()
    }
}

/// A borrowed leaf value.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum LeafRef<'a> {
    Absent,
    /// The content of a `Some`.
    Present(&'a dyn Leaf),
    Tensor(&'a Tensor),
    Float(f64),
    Integer(i128),
    Boolean(bool),
    Duration(Duration),
    Ratio(&'a Ratio),
    Weighted(&'a Weighted),
}

/// An owned leaf value.
#[doc(hidden)]
#[derive(Debug)]
pub enum LeafValue {
    Absent,
    Tensor(Tensor),
    Float(f64),
    Integer(i128),
    Boolean(bool),
    Duration(Duration),
    Ratio(Ratio),
    Weighted(Weighted),
}

impl<'a> LeafRef<'a> {
    /// Returns the leaf's tensors, at most two.
    pub(crate) fn tensors(self) -> [Option<&'a Tensor>; 2] {
        match self {
            Self::Tensor(tensor) => [Some(tensor), None],
            Self::Ratio(ratio) => [Some(&ratio.numerator), Some(&ratio.denominator)],
            Self::Weighted(weighted) => [Some(&weighted.value), Some(&weighted.weight)],
            Self::Present(leaf) => leaf.leaf_ref().tensors(),
            _ => [None, None],
        }
    }

    /// Unwraps nested `Option`s.
    pub(crate) fn inner(self) -> Self {
        if let Self::Present(leaf) = self { leaf.leaf_ref().inner() } else { self }
    }

    /// Returns the value as a number if it is on the host.
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(value),
            Self::Integer(value) => Some(value as f64),
            Self::Boolean(value) => Some(f64::from(u8::from(value))),
            Self::Duration(value) => Some(value.as_secs_f64()),
            Self::Present(leaf) => leaf.leaf_ref().number(),
            Self::Absent | Self::Tensor(_) | Self::Ratio(_) | Self::Weighted(_) => None,
        }
    }
}

impl fmt::Display for LeafRef<'_> {
    /// Formats a description of the value, for error messages.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("nothing"),
            Self::Present(leaf) => leaf.leaf_ref().fmt(formatter),
            Self::Tensor(tensor) if !tensor.defined() => formatter.write_str("an undefined tensor"),
            Self::Tensor(tensor) => write!(formatter, "a tensor of shape {:?}", tensor.size()),
            Self::Float(_) => formatter.write_str("a float"),
            Self::Integer(_) => formatter.write_str("an integer"),
            Self::Boolean(_) => formatter.write_str("a bool"),
            Self::Duration(_) => formatter.write_str("a duration"),
            Self::Ratio(_) => formatter.write_str("a ratio"),
            Self::Weighted(weighted) => write!(
                formatter,
                "values of shape {:?} with weights of shape {:?}",
                weighted.value.size(),
                weighted.weight.size()
            ),
        }
    }
}
