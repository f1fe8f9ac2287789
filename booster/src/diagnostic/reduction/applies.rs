//! Which reductions may be applied to which leaves: checked at compile time.

use std::marker::PhantomData;
use std::time::Duration;

use tch::Tensor;

#[cfg(doc)]
use super::LeafValues;
use super::{Count, Mean, Reduction, Sum};
use crate::diagnostic::leaf::{Leaf, Ratio, Weighted};

/// A [`Reduction`] that may be applied to a [`Ratio`](crate::Ratio): `mean`, `sum` and `count`.
///
/// The value of a ratio is known only once all its parts are summed, so that the greatest of several partial ratios, or
/// their spread, would depend on how the samples are cut into batches. Implement it for a reduction of your own if its
/// state depends only on the sum of the denominators, which are the weights of the [`LeafValues`], and on that of the
/// numerators, which are its values times its weights.
///
/// ```compile_fail
/// use booster::prelude::*;
///
/// #[derive(Diagnostic)]
/// struct Translated {
///     #[group = "metrics"]
///     #[metric(max)] // the greatest ratio of what?
///     token_accuracy: Ratio,
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this reduction of a `Ratio` would depend on how the samples are cut into batches",
    label = "not a reduction of ratios",
    note = "a ratio is reduced by `mean`, `sum` or `count`",
    note = "to reduce one value per sample, measure a `Tensor` of shape `[batch]`, or a `Weighted`",
    note = "for a reduction of your own that uses only the sums of numerators and denominators, implement \
            `booster::diagnostic::RatioReduction`"
)]
pub trait RatioReduction: Reduction {}

impl RatioReduction for Mean {}
impl RatioReduction for Sum {}
impl RatioReduction for Count {}

/// A leaf that a reduction may be applied to: any leaf, but ratios only by a [`RatioReduction`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be reduced by `{R}`", label = "not a reduction of `{Self}`")]
pub trait ReducedBy<R> {}

impl<R: RatioReduction> ReducedBy<R> for Ratio {}
impl<R, L: ReducedBy<R>> ReducedBy<R> for Option<L> {}

macro_rules! reduced_by_all {
    ($($leaf:ty)+) => {$(impl<R> ReducedBy<R> for $leaf {})+};
}

reduced_by_all! { Tensor Weighted f32 f64 bool Duration i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// A leaf with a reduction of it: `Reduced::<L, R>::check()` compiles only where the one may be applied to the other.
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

/// The check of what is no leaf or no reduction, which is reported elsewhere.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "`{Self}` is not checked")]
pub trait Unchecked {
    fn check() {}
}

impl<L, R> Unchecked for Reduced<L, R> {}
