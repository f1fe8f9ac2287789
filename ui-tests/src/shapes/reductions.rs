//! Every reduction, and some of one's own.

use ::booster::diagnostic::{Array, HostState, LeafValues, State};

/// All that the library has.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct All {
    /// Many of one field.
    #[group = "many"]
    #[metric(mean, sum, min, max, last, count, std, var, p50, p99_9, p0_01, ema(0.99), histogram, mean_dims)]
    pub value: ::booster::tch::Tensor,
    /// Another range.
    #[group = "fixed"]
    #[metric(histogram(-1.5, 2, 10), mean)]
    pub fixed: ::core::option::Option<::booster::tch::Tensor>,
    /// A trailing comma.
    #[group = "fixed"]
    #[metric(std)]
    pub comma: f32,
    /// The samples.
    #[group = "info"]
    #[metric(samples)]
    pub samples: u32,
}

/// A reduction of one's own.
#[derive(::core::fmt::Debug)]
pub struct Own<const N: usize>;

impl<const N: usize> ::booster::Reduction for Own<N> {
    type Value = Array;
    const NAME: &'static str = "own";

    fn from_values(leaf: &LeafValues) -> ::booster::Result<State> {
        ::core::result::Result::Ok(State::new([leaf.values()?.f_sum(::booster::tch::Kind::Double)?]))
    }

    fn merge(earlier: &State, later: &State) -> ::booster::Result<State> {
        ::core::result::Result::Ok(State::new([earlier.parts()[0].f_add(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> Array {
        Array { shape: ::std::vec::Vec::new(), data: ::core::clone::Clone::clone(&state.parts()[0]) }
    }
}

/// It, in several ways to write its path.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Owned {
    /// With others.
    #[group = "loss"]
    #[metric(mean, reduce = Own<3>)]
    pub value: ::booster::tch::Tensor,
    /// With an expression.
    #[group = "loss"]
    #[metric(reduce = Own<{ 1 + 1 }>)]
    pub other: ::core::option::Option<f64>,
}

/// Reads them.
#[must_use]
pub fn sum(all: &AllSummary, own: &OwnedSummary) -> f64 {
    let _: (&Array, &::core::option::Option<Array>) = (&own.loss.value_own, &own.loss.other);
    all.many.value + all.many.value_p99_9 + all.many.value_ema + all.fixed.comma + all.info.samples
}

/// What a ratio is reduced by, and a type of a parameter.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Ratios<L: ::booster::diagnostic::Leaf + ::core::marker::Send> {
    /// All of them.
    #[group = "ratio"]
    #[metric(mean, sum, count)]
    pub accuracy: ::booster::Ratio,
    /// One's own.
    #[group = "ratio"]
    #[metric(reduce = OfRatios)]
    pub own: ::core::option::Option<::booster::Ratio>,
    /// Of any leaf.
    #[group = "any"]
    #[metric(max, std)]
    pub any: L,
}

/// A reduction of ratios.
#[derive(::core::fmt::Debug)]
pub struct OfRatios;

impl ::booster::Reduction for OfRatios {
    type Value = f64;
    const NAME: &'static str = "of_ratios";

    fn from_values(leaf: &LeafValues) -> ::booster::Result<State> {
        ::core::result::Result::Ok(State::new([leaf.weights()?.f_sum(::booster::tch::Kind::Double)?.f_reshape([1])?]))
    }

    fn merge(earlier: &State, later: &State) -> ::booster::Result<State> {
        ::core::result::Result::Ok(State::new([earlier.parts()[0].f_add(&later.parts()[0])?]))
    }

    fn finish(state: &HostState) -> f64 {
        state.parts()[0][0]
    }
}

impl ::booster::diagnostic::RatioReduction for OfRatios {}
