//! What a field of diagnostics may hold.

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

/// A type that a field with a group may have.
///
/// | type | counts as |
/// |---|---|
/// | [`Tensor`] of rank 1 or more, `[batch, *dims]`, real or bool | per sample: each entry of dimension 0 once |
/// | [`Tensor`] of rank 0, `f32`, `f64`, integers, `bool` (1 or 0), [`Duration`] (seconds) | once for each sample of its diagnostics |
/// | [`Ratio`] | by its denominator |
/// | [`Weighted`] | by its weights |
/// | [`Loss`](crate::Loss) | by its weight, else once for each sample of its diagnostics |
/// | `Option` of these | nothing when it is `None` |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a metric",
    label = "not a metric",
    note = "metrics are `Tensor`, `f32`, `f64`, integers, `bool`, `Duration`, `Ratio`, `Weighted`, and `Option` of these",
    note = "for a list, use one field per entry, or a `Tensor` of shape `[batch, entries]` with `#[metric(mean_dims)]`",
    note = "of another crate's type, store a number or a `Tensor` that is made of it",
    note = "if it is a struct of metrics, derive `Diagnostic` on it and mark this field `#[diagnostic(flatten)]`",
    note = "if it is not to be measured, mark this field `#[diagnostic(skip)]`"
)]
pub trait Leaf: Sealed + fmt::Debug + 'static {
    /// The value, borrowed.
    #[doc(hidden)]
    fn leaf_ref(&self) -> LeafRef<'_>;

    /// Itself, with the type erased.
    #[doc(hidden)]
    fn leaf_mut(&mut self) -> &mut dyn Leaf;

    /// Another handle to the same value.
    #[doc(hidden)]
    fn share_leaf(&self) -> Self
    where
        Self: Sized;

    /// How often its tensors were written in place.
    #[doc(hidden)]
    fn writes(&self) -> u64 {
        writes(self.leaf_ref().tensors())
    }

    /// Its one or two tensors, in the order of [`LeafRef::tensors`].
    #[doc(hidden)]
    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        [None, None]
    }

    /// Makes a leaf of a value of its own variant; gives back one that it cannot hold.
    #[doc(hidden)]
    fn from_value(value: LeafValue) -> Result<Self, LeafValue>
    where
        Self: Sized;

    /// Takes over a value of its own variant; gives back one that it cannot hold.
    #[doc(hidden)]
    fn assign(&mut self, value: LeafValue) -> Result<(), LeafValue>;
}

/// How often the tensors of a value were written in place.
pub(crate) fn writes(tensors: [Option<&Tensor>; 2]) -> u64 {
    tensors.into_iter().flatten().filter_map(identity::version).sum()
}

/// A type that can say how many samples the diagnostics stand for: `#[metric(samples)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot count samples",
    label = "not a number of samples",
    note = "`#[metric(samples)]` goes on an integer, `f32`, `f64` or a 0-dimensional `Tensor`: convert the count to one of \
            these"
)]
pub trait SampleCount: Leaf {
    /// [`Leaf::leaf_ref`], so that the macro names one trait alone.
    #[doc(hidden)]
    fn count_ref(&self) -> LeafRef<'_> {
        self.leaf_ref()
    }

    /// [`Leaf::leaf_mut`], so that the macro names one trait alone.
    #[doc(hidden)]
    fn count_mut(&mut self) -> &mut dyn Leaf {
        self.leaf_mut()
    }
}

/// A leaf's value, borrowed.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum LeafRef<'a> {
    Absent,
    /// What an `Option` holds.
    Present(&'a dyn Leaf),
    Tensor(&'a Tensor),
    Float(f64),
    Integer(i128),
    Boolean(bool),
    Duration(Duration),
    Ratio(&'a Ratio),
    Weighted(&'a Weighted),
}

/// A leaf's value, owned.
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
    /// Its one or two tensors.
    pub(crate) fn tensors(self) -> [Option<&'a Tensor>; 2] {
        match self {
            Self::Tensor(tensor) => [Some(tensor), None],
            Self::Ratio(ratio) => [Some(&ratio.numerator), Some(&ratio.denominator)],
            Self::Weighted(weighted) => [Some(&weighted.value), Some(&weighted.weight)],
            Self::Present(leaf) => leaf.leaf_ref().tensors(),
            _ => [None, None],
        }
    }

    /// The value without the `Option`s around it.
    pub(crate) fn inner(self) -> Self {
        if let Self::Present(leaf) = self { leaf.leaf_ref().inner() } else { self }
    }

    /// The value as a number where it is one on the host.
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
    /// Writes what kind of value it is, for error messages.
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
