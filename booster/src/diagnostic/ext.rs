//! What diagnostics can do by themselves, without an aggregator or a pipeline.

use super::gather::gather;
use super::{Aggregator, Diagnostic, Summary as _};
use crate::error::Result;
use crate::logging::Sink;

/// The summary of one step's diagnostics, and the diagnostics of several shards as one.
///
/// Every [`Diagnostic`] has these methods once the trait is in scope, as by `use booster::prelude::*;`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a diagnostic",
    label = "not a diagnostic",
    note = "for a struct of your own, add `#[derive(Diagnostic)]`; of another crate's type, copy what you measure into \
            such a struct"
)]
pub trait DiagnosticExt: Diagnostic {
    /// One diagnostics of those of several shards of a batch, on the first one's device.
    ///
    /// Per-sample tensors are joined in order; other fields are combined by their own reduction, each shard counting
    /// with its samples. Where an integer or a bool would have to become a fraction, an error says so.
    /// A field with several reductions follows the first. Nothing is read back, but for 0-dimensional values of a device
    /// without doubles (MPS), which are combined on the host.
    ///
    /// # Errors
    /// [`Error::Leaf`](crate::Error::Leaf) where shards do not fit together, or a field is undefined, sparse, quantized or
    /// complex, [`Error::EmptyBatch`](crate::Error::EmptyBatch) if `shards` is empty.
    fn gather(shards: Vec<Self>) -> Result<Self> {
        gather(shards, None)
    }

    /// The summary of these diagnostics alone. It waits for the device: in a loop, use an [`Aggregator`].
    ///
    /// # Errors
    /// Those of [`Aggregator::update`] and [`Aggregator::summary`].
    fn summary(&self) -> Result<Self::Summary> {
        let mut aggregator = Aggregator::new();
        aggregator.update(self)?;
        aggregator.summary()
    }

    /// Writes the summary of these diagnostics alone to a sink. It waits for the device: in a loop, use an
    /// [`Aggregator`].
    ///
    /// # Errors
    /// Those of [`Diagnostic::summary`] and the sink's.
    fn log(&self, sink: &mut impl Sink, step: u64) -> Result<()> {
        self.summary()?.log(sink, step)
    }
}

impl<D: Diagnostic> DiagnosticExt for D {}
