//! Extension methods for diagnostics.

use super::gather::gather;
use super::{Aggregator, Diagnostic, Summary as _};
use crate::error::Result;
use crate::logging::Sink;

/// Extension methods for diagnostics: gathering shards and summarizing single steps.
///
/// It is implemented for every [`Diagnostic`] and included in the prelude.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a diagnostic",
    label = "not a diagnostic",
    note = "for your own struct, add `#[derive(Diagnostic)]`; for a foreign type, copy its measurements into such a struct"
)]
pub trait DiagnosticExt: Diagnostic {
    /// Combines the diagnostics of several shards of a batch, on the device of the first.
    ///
    /// Per-sample tensors are concatenated in order. Other fields are combined by the rule of their first reduction
    /// ([`Reduction::GATHER`](super::Reduction::GATHER)), with each shard weighted by its number of samples. Nothing is
    /// read back, except that 0-dimensional values on MPS, which has no doubles, are combined on the host.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if shards cannot be joined, if an integer or bool would
    /// become a fraction, or if a field is undefined, sparse, quantized or complex; or
    /// [`Error::EmptyBatch`](crate::Error::EmptyBatch) if `shards` is empty.
    fn gather(shards: Vec<Self>) -> Result<Self> {
        gather(shards, None)
    }

    /// Summarizes these diagnostics alone. This waits for the device; in a loop, use an [`Aggregator`].
    ///
    /// # Errors
    /// Returns the errors of [`Aggregator::update`] and [`Aggregator::summary`].
    fn summary(&self) -> Result<Self::Summary> {
        let mut aggregator = Aggregator::new();
        aggregator.update(self)?;
        aggregator.summary()
    }

    /// Writes the summary of these diagnostics alone to a sink. This waits for the device; in a loop, use an
    /// [`Aggregator`].
    ///
    /// # Errors
    /// Returns the errors of [`summary`](Self::summary) and of the sink.
    fn log(&self, sink: &mut (impl Sink + ?Sized), step: u64) -> Result<()> {
        self.summary()?.log(sink, step)
    }
}

impl<D: Diagnostic> DiagnosticExt for D {}
