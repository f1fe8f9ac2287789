//! Reductions of many values to one, built in or custom.

mod applies;
mod basic;
mod dims;
mod gather;
mod histogram;
mod moments;
mod moving_average;
mod quantile;
mod state;
mod values;

use std::fmt;

pub use self::applies::{RatioReduction, Reduced, ReducedBy, Unchecked};
pub use self::basic::{Count, Last, Max, Mean, Min, Sum};
pub use self::dims::MeanDims;
pub use self::gather::Gather;
pub use self::histogram::{AutoHistogram, FixedHistogram};
pub use self::moments::{Std, Var};
pub use self::moving_average::MovingAverage;
pub use self::quantile::Quantile;
pub use self::state::{HostState, State};
pub use self::values::LeafValues;
pub(crate) use self::values::{Content, is_summed, masked};
use super::value::{MetricValue, Value};
use crate::error::Result;

/// A reduction of many values to one: [`from_values`](Self::from_values) computes a state, and
/// [`merge`](Self::merge), which must be associative, combines states.
///
/// The state of concatenated values must equal the merged states of their parts, so that summaries do not depend on how
/// samples are split into batches, shards, processes or windows. States are doubles on the values' device, so nothing
/// is read back before [`finish`](Self::finish).
///
/// ```
/// use booster::diagnostic::{Array, LeafValues, HostState, Reduction, State};
/// use booster::prelude::*;
/// use booster::tch::{Kind, Tensor};
///
/// /// Counts of (prediction, target) among three classes, from rows `[batch, 2]`.
/// pub struct Confusion;
///
/// impl Reduction for Confusion {
///     type Value = Array;
///     const NAME: &'static str = "confusion";
///
///     fn from_values(leaf: &LeafValues) -> booster::Result<State> {
///         let pairs = leaf.values()?; // [rows, 2], doubles
///         let cells = (pairs.f_select(1, 0)? * 3.0 + pairs.f_select(1, 1)?).f_to_kind(Kind::Int64)?;
///         let weights = leaf.weights()?.f_select(1, 0)?;
///         let counts = Tensor::f_zeros([9], (Kind::Double, pairs.device()))?.f_index_add(0, &cells, &weights)?;
///         Ok(State::new([counts]))
///     }
///
///     fn merge(earlier: &State, later: &State) -> booster::Result<State> {
///         Ok(State::new([earlier.parts()[0].f_add(&later.parts()[0])?]))
///     }
///
///     fn finish(state: &HostState) -> Array {
///         Array { shape: vec![3, 3], data: state.parts()[0].clone() }
///     }
/// }
///
/// #[derive(Diagnostic)]
/// struct Classified {
///     #[group = "metrics"]
///     #[metric(reduce = Confusion)]
///     confusion: Tensor,
/// }
///
/// # fn main() -> booster::Result<()> {
/// let mut aggregator = Aggregator::new();
/// for pairs in [&[0i64, 0, 1, 2][..], &[1, 2]] {
///     aggregator.update(&Classified { confusion: Tensor::from_slice(pairs).view([-1, 2]) })?;
/// }
/// let summary = aggregator.summary()?;
/// assert_eq!(summary.metrics.confusion.data, [1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reduction",
    label = "not a reduction",
    note = "`#[metric(reduce = path)]` requires a type that implements `booster::Reduction`",
    note = "for a foreign type, implement it for your own unit struct"
)]
pub trait Reduction: 'static {
    /// The type of the result.
    type Value: MetricValue;

    /// The name in schemas. Reductions with the same name and parameters are considered equal.
    const NAME: &'static str;

    /// The parameters, such as the rank of a quantile or the decay of an average.
    const PARAMETERS: &'static [f64] = &[];

    /// The name of the state type, such as `my_crate::moments`. Reductions of a field with the same state name share
    /// one state, so their `from_values` and `merge` must agree. With `None`, the state is not shared with other
    /// reductions.
    const STATE: Option<&'static str> = None;

    /// The version of the state. Increase it when the meaning of the state changes, so that aggregators saved with
    /// another version are rejected.
    const VERSION: u32 = 1;

    /// Whether the result has the unit of the values, like a mean but unlike a count or variance. The result for a
    /// `Duration` is then printed with its unit.
    const KEEPS_UNIT: bool = false;

    /// The rule for combining the batch-level values of several shards. Choose the one that changes the result least
    /// compared to the unsplit batch.
    const GATHER: Gather = Gather::Mean;

    /// The sums that make up the state, if it can be computed from sums alone.
    #[doc(hidden)]
    const ADDITIVE: Option<Additive> = None;

    /// Computes the state of one or more values.
    ///
    /// # Errors
    /// Returns an error if the values cannot be reduced.
    fn from_values(leaf: &LeafValues) -> Result<State>;

    /// Merges two states. The values of `later` are the newer ones.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if a libtorch operation fails.
    fn merge(earlier: &State, later: &State) -> Result<State>;

    /// Computes the result from the state on the host.
    fn finish(state: &HostState) -> Self::Value;
}

/// A state that consists of sums.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Additive {
    /// The weighted sum of values and the sum of weights.
    Mean,
    /// The sum of values.
    Sum,
    /// The number of samples.
    Count,
}

/// A type-erased [`Reduction`], for schemas.
#[derive(Clone, Copy)]
pub struct Reduce {
    name: &'static str,
    parameters: &'static [f64],
    state: Option<&'static str>,
    version: u32,
    gather: Gather,
    additive: Option<Additive>,
    keeps_unit: bool,
    is_in_seconds: bool,
    from_values: fn(&LeafValues) -> Result<State>,
    merge: fn(&State, &State) -> Result<State>,
    finish: fn(&HostState) -> Value,
}

impl Reduce {
    /// Erases the type of a reduction.
    pub const fn of<R: Reduction>() -> Self {
        Self {
            name: R::NAME,
            parameters: R::PARAMETERS,
            state: R::STATE,
            version: R::VERSION,
            gather: R::GATHER,
            additive: R::ADDITIVE,
            keeps_unit: R::KEEPS_UNIT,
            is_in_seconds: false,
            from_values: R::from_values,
            merge: R::merge,
            finish: |state| R::finish(state).to_value(),
        }
    }

    /// Marks the values as seconds, for a `Duration` field.
    #[doc(hidden)]
    #[must_use]
    pub const fn of_seconds(mut self) -> Self {
        self.is_in_seconds = self.keeps_unit;
        self
    }

    /// Returns whether the result is in seconds.
    pub(crate) const fn is_in_seconds(&self) -> bool {
        self.is_in_seconds
    }

    /// Returns the reduction's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the reduction's parameters.
    pub const fn parameters(&self) -> &'static [f64] {
        self.parameters
    }

    /// Returns the version of the reduction's state.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Returns whether another reduction of the same field can use this one's state.
    pub(crate) fn shares_state(&self, other: &Self) -> bool {
        match (self.state, other.state) {
            (Some(state), Some(other)) => state == other,
            (None, None) => self == other && std::ptr::fn_addr_eq(self.from_values, other.from_values),
            _ => false,
        }
    }

    pub(crate) const fn gather(&self) -> Gather {
        self.gather
    }

    pub(crate) const fn additive(&self) -> Option<Additive> {
        self.additive
    }

    pub(crate) fn state_of(&self, leaf: &LeafValues) -> Result<State> {
        (self.from_values)(leaf)
    }

    pub(crate) fn merge(&self, earlier: &State, later: &State) -> Result<State> {
        (self.merge)(earlier, later)
    }

    pub(crate) fn finish(&self, state: &HostState) -> Value {
        (self.finish)(state)
    }
}

impl PartialEq for Reduce {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.parameters) == (other.name, other.parameters)
    }
}

impl Eq for Reduce {}

impl fmt::Debug for Reduce {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Reduce({self})")
    }
}

impl fmt::Display for Reduce {
    /// Formats the name and any parameters: `mean`, `quantile(0.95)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)?;
        if let [first, rest @ ..] = self.parameters {
            write!(formatter, "({first}")?;
            rest.iter().try_for_each(|parameter| write!(formatter, ", {parameter}"))?;
            formatter.write_str(")")?;
        }
        Ok(())
    }
}
