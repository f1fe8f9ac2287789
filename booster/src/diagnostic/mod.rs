//! Typed diagnostics: what a step measures, how many steps become one summary, and how that is shown and kept.

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

/// What a step measures: a struct whose fields are grouped and typed.
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
/// `()` measures nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a diagnostic",
    label = "not a diagnostic",
    note = "for a struct of your own, add `#[derive(Diagnostic)]`; of another crate's type, copy what you measure into \
            such a struct",
    note = "to measure nothing, use `()`"
)]
pub trait Diagnostic: Sized + Send + 'static {
    /// One value per metric, by group.
    type Summary: Summary;

    /// What is measured.
    const SCHEMA: Schema = <Self::Summary as Summary>::SCHEMA;

    /// Shows each leaf, in the schema's order.
    #[doc(hidden)]
    fn visit<'leaves>(&'leaves self, leaves: &mut Leaves<'leaves>);

    /// Shows each leaf to be changed, in the schema's order.
    #[doc(hidden)]
    fn visit_mut<'leaves>(&'leaves mut self, leaves: &mut LeavesMut<'leaves>);

    /// The diagnostics on a device.
    ///
    /// # Errors
    /// [`Error::Mismatch`](crate::Error::Mismatch) where a field is undefined, sparse, quantized or complex,
    /// [`Error::Torch`](crate::Error::Torch) where the device is not there or is full.
    fn to_device(self, device: Device) -> Result<Self> {
        let fields = Self::SCHEMA.fields();
        let leaves = Leaves::of(&self, fields.len());
        leaves.infos.iter().zip(fields).try_for_each(|(info, field)| field.check(info))?;
        self.map_tensors(&mut |tensor| to_device(tensor, device))
    }

    /// The diagnostics without their graph, as the values that they have now. A pipeline does this to all that it returns.
    ///
    /// A tensor is copied where something besides these diagnostics can reach its memory, so that no later write changes
    /// what was measured: a parameter or a buffer, a view of one, the batch, or another handle of yours.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if there is no memory for a copy.
    fn detach(mut self) -> Result<Self> {
        let leaves = LeavesMut::of(&mut self);
        detach(&mut leaves.into_iter().flat_map(Leaf::tensors_mut).flatten().collect::<Vec<_>>())?;
        Ok(self)
    }

    /// The diagnostics with other tensors.
    ///
    /// # Errors
    /// The first error of `map`.
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

/// The leaves of diagnostics, in the schema's order.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Leaves<'a> {
    pub(crate) infos: Vec<LeafInfo<'a>>,
    /// The size of the batch, where it is known.
    pub(crate) batch_size: Option<i64>,
}

impl<'a> Leaves<'a> {
    pub fn push(&mut self, leaf: LeafRef<'a>) {
        self.infos.push(leaf.into());
    }

    /// Takes the size of the batch; that of the outermost struct that knows it holds.
    pub fn batch_size(&mut self, size: Option<i64>) {
        self.batch_size = self.batch_size.or(size);
    }

    /// The leaves of some diagnostics, of which there are so many.
    pub(crate) fn of<D: Diagnostic>(diagnostics: &'a D, count: usize) -> Self {
        let mut leaves = Self { infos: Vec::with_capacity(count), batch_size: None };
        diagnostics.visit(&mut leaves);
        leaves
    }
}

/// The leaves of diagnostics to be changed, in the schema's order.
#[doc(hidden)]
#[derive(Default)]
#[expect(missing_debug_implementations, reason = "a list of type-erased values; never seen by a user")]
pub struct LeavesMut<'a>(Vec<&'a mut dyn Leaf>);

impl<'a> LeavesMut<'a> {
    pub fn push(&mut self, leaf: &'a mut dyn Leaf) {
        self.0.push(leaf);
    }

    /// The leaves of some diagnostics.
    pub(crate) fn of<D: Diagnostic>(diagnostics: &'a mut D) -> Vec<&'a mut dyn Leaf> {
        let mut leaves = Self::default();
        diagnostics.visit_mut(&mut leaves);
        leaves.0
    }
}
