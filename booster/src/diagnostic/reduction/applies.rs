//! Compile-time checks of which reductions apply to which leaves.

use std::marker::PhantomData;
use std::time::Duration;

use tch::Tensor;

#[cfg(doc)]
use super::LeafValues;
use super::{Count, Mean, Reduction, Sum};
use crate::diagnostic::leaf::{Leaf, Ratio, Weighted};

/// A [`Reduction`] that applies to a [`Ratio`](crate::Ratio): `mean`, `sum` and `count`.
///
/// A ratio is known only once all its parts are summed, so the maximum or spread of partial ratios would depend on how
/// the samples are split into batches. Implement it for a custom reduction if its state depends only on the sums of the
/// denominators (the weights of the [`LeafValues`]) and of the numerators (the values times the weights).
///
/// ```compile_fail
/// use booster::prelude::*;
///
/// #[derive(Diagnostic)]
/// struct Translated {
///     #[group = "metrics"]
///     #[metric(max)] // the largest ratio of what?
///     token_accuracy: Ratio,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this reduction of a `Ratio` would depend on how the samples are split into batches",
    label = "not a reduction of ratios",
    note = "a ratio can be reduced by `mean`, `sum` or `count`",
    note = "to reduce one value per sample, measure a `Tensor` of shape `[batch]`, or a `Weighted`",
    note = "for a custom reduction that uses only the sums of numerators and denominators, implement \
            `booster::diagnostic::RatioReduction`"
)]
pub trait RatioReduction: Reduction {}

impl RatioReduction for Mean {}
impl RatioReduction for Sum {}
impl RatioReduction for Count {}

/// A leaf that a reduction applies to: any leaf, except that a ratio requires a [`RatioReduction`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be reduced by `{R}`", label = "not a reduction of `{Self}`")]
pub trait ReducedBy<R> {}

impl<R: RatioReduction> ReducedBy<R> for Ratio {}
impl<R, L: ReducedBy<R>> ReducedBy<R> for Option<L> {}

macro_rules! reduced_by_all {
    ($($leaf:ty)+) => {$(impl<R> ReducedBy<R> for $leaf {})+};
}

reduced_by_all! { Tensor Weighted f32 f64 bool Duration i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// A leaf type and a reduction: `Reduced::<L, R>::check()` compiles only if the reduction applies to the leaf.
#[doc(hidden)]
#[derive(Debug)]
pub struct Reduced<L, R>(PhantomData<fn() -> (L, R)>);

impl<L: Leaf, R: Reduction> Reduced<L, R> {
    pub fn check()
    where
        L: ReducedBy<R>,
    {
    }
}

/// The fallback check for types that are not a leaf or not a reduction, which are reported elsewhere.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` is not checked")]
pub trait Unchecked {
    fn check() {}
}

impl<L, R> Unchecked for Reduced<L, R> {}
