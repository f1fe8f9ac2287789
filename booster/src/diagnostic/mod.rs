//! Typed diagnostics: the measurements of a step, their aggregation over steps, and typed summaries.

mod aggregator;
mod ext;
pub(crate) mod gather;
mod leaf;
pub mod reduction;
mod samples;
mod schema;
mod summary;
mod value;

use booster_sys::detach::detach;
use tch::{Device, Tensor};

pub use self::aggregator::{Aggregator, NonFinite, SavedAggregator};
pub use self::ext::DiagnosticExt;
pub(crate) use self::leaf::layout::LeafInfo;
pub use self::leaf::{Leaf, LeafRef, LeafValue, Ratio, SampleCount, Weighted};
pub use self::reduction::{
    Gather, HostState, LeafValues, RatioReduction, Reduce, Reduced, ReducedBy, Reduction, State, Unchecked,
};
pub use self::schema::{Entry, Field, Metric, Schema, SchemaMetric};
pub(crate) use self::summary::number;
pub use self::summary::{
    EmptySummary, Summary, SummaryEntry, SummaryTable, deserialize_summary, format_summary, serialize_summary,
};
pub use self::value::{Array, MetricValue, Value, Values, put, put_optional, take, take_optional};
use crate::device::to_device;
pub use crate::error::NonFiniteReport;
use crate::error::Result;
pub use crate::histogram::Histogram;

/// The measurements of a step, as a struct with typed fields.
///
/// Derive it. Each field has a group; the summary of many steps has the same fields in the same groups.
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::Tensor;
///
/// #[derive(Diagnostic)]
/// struct Translated {
///     /// Negative log-likelihood per sentence, `[batch]`.
///     #[group = "loss"]
///     nll: Tensor,
///     #[group = "metrics"]
///     token_accuracy: Ratio,
///     #[group = "info"]
///     #[metric(max)]
///     longest: i64,
///     #[group = "info"]
///     skipped: Option<f64>,
/// }
///
/// # fn main() -> booster::Result<()> {
/// let mut mean = Aggregator::new();
/// for (correct, tokens) in [(1, 1), (0, 9)] {
///     mean.update(&Translated {
///         nll: Tensor::from_slice(&[0.5f32, 0.7]),
///         token_accuracy: Ratio::new(Tensor::from(correct), Tensor::from(tokens)),
///         longest: tokens,
///         skipped: None,
///     })?;
/// }
/// let summary = mean.summary()?;
/// assert_eq!(summary.metrics.token_accuracy, 0.1);
/// assert_eq!(summary.info.longest, 9.0);
/// assert_eq!(summary.info.skipped, None);
/// # Ok(())
/// # }
/// ```
///
/// `()` is the empty diagnostic.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a diagnostic",
    label = "not a diagnostic",
    note = "for your own struct, add `#[derive(Diagnostic)]`; for a foreign type, copy its measurements into such a struct",
    note = "to measure nothing, use `()`"
)]
pub trait Diagnostic: Sized + Send + 'static {
    /// The summary type: one value per metric, by group.
    type Summary: Summary;

    /// The schema of the diagnostics.
    const SCHEMA: Schema = <Self::Summary as Summary>::SCHEMA;

    /// Pushes each leaf, in schema order.
    #[doc(hidden)]
    fn visit<'leaves>(&'leaves self, leaves: &mut Leaves<'leaves>);

    /// Pushes each leaf mutably, in schema order.
    #[doc(hidden)]
    fn visit_mut<'leaves>(&'leaves mut self, leaves: &mut LeavesMut<'leaves>);

    /// Moves the diagnostics to a device.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if a field is undefined, sparse, quantized or complex, or
    /// [`Error::Torch`](crate::Error::Torch) if the device is unavailable or out of memory.
    fn to_device(self, device: Device) -> Result<Self> {
        let fields = Self::SCHEMA.fields();
        let leaves = Leaves::of(&self, fields.len());
        leaves.infos.iter().zip(fields).try_for_each(|(info, field)| field.check(info))?;
        self.map_tensors(&mut |tensor| to_device(tensor, device))
    }

    /// Detaches the diagnostics from the graph, fixing their current values. Pipelines detach everything they return.
    ///
    /// A tensor is copied if anything else shares its memory (a parameter, a buffer, a view of either, the batch, or
    /// another handle), so that later in-place writes cannot change the measurement.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if allocation fails.
    fn detach(mut self) -> Result<Self> {
        let leaves = LeavesMut::of(&mut self);
        detach(&mut leaves.into_iter().flat_map(Leaf::tensors_mut).flatten().collect::<Vec<_>>())?;
        Ok(self)
    }

    /// Replaces each tensor with the result of `map`.
    ///
    /// # Errors
    /// Returns the first error of `map`.
    fn map_tensors(mut self, map: &mut dyn FnMut(&Tensor) -> Result<Tensor>) -> Result<Self> {
        for tensor in LeavesMut::of(&mut self).into_iter().flat_map(Leaf::tensors_mut).flatten() {
            *tensor = map(tensor)?;
        }
        Ok(self)
    }
}

impl Diagnostic for () {
    type Summary = EmptySummary;

    fn visit<'leaves>(&'leaves self, _: &mut Leaves<'leaves>) {}

    fn visit_mut<'leaves>(&'leaves mut self, _: &mut LeavesMut<'leaves>) {}
}

/// The leaves of diagnostics, in schema order.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Leaves<'a> {
    pub(crate) infos: Vec<LeafInfo<'a>>,
    /// The batch size, if known.
    pub(crate) batch_size: Option<i64>,
}

impl<'a> Leaves<'a> {
    pub fn push(&mut self, leaf: LeafRef<'a>) {
        self.infos.push(leaf.into());
    }

    /// Sets the batch size unless it is already known. The outermost struct that knows it calls this first.
    pub fn batch_size(&mut self, size: Option<i64>) {
        self.batch_size = self.batch_size.or(size);
    }

    /// Collects the leaves of diagnostics. `count` is their number.
    pub(crate) fn of<D: Diagnostic>(diagnostics: &'a D, count: usize) -> Self {
        let mut leaves = Self { infos: Vec::with_capacity(count), batch_size: None };
        diagnostics.visit(&mut leaves);
        leaves
    }
}

/// Mutable references to the leaves of diagnostics, in schema order.
#[doc(hidden)]
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "a list of type-erased values; never seen by a user")]
pub struct LeavesMut<'a>(Vec<&'a mut dyn Leaf>);

impl<'a> LeavesMut<'a> {
    pub fn push(&mut self, leaf: &'a mut dyn Leaf) {
        self.0.push(leaf);
    }

    pub(crate) fn of<D: Diagnostic>(diagnostics: &'a mut D) -> Vec<&'a mut dyn Leaf> {
        let mut leaves = Self::default();
        diagnostics.visit_mut(&mut leaves);
        leaves.0
    }
}
