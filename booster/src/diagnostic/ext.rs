//! Methods of all diagnostics that need an aggregator.

use super::gather::gather;
use super::{Aggregator, Diagnostic, Summary as _};
use crate::error::Result;
use crate::logging::Sink;

/// Summaries of single steps, and the diagnostics of several shards as one.
///
/// Every [`Diagnostic`] implements it. The prelude brings its methods into scope.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a diagnostic",
    label = "not a diagnostic",
    note = "for a struct of your own, add `#[derive(Diagnostic)]`; of another crate's type, copy what you measure into \
            such a struct"
)]
pub trait DiagnosticExt: Diagnostic {
    /// Joins the diagnostics of several shards of a batch, on the device of the first.
    ///
    /// Per-sample tensors are joined in order. Other fields are combined by the rule of their first reduction
    /// ([`Reduction::GATHER`](super::Reduction::GATHER)), each shard weighted by its number of samples. Nothing is read back,
    /// except that 0-dimensional values of a device without doubles (MPS) are combined on the host.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if shards do not fit together, if an integer or a bool would become a
    /// fraction, or if a field is undefined, sparse, quantized or complex;
    /// [`Error::EmptyBatch`](crate::Error::EmptyBatch) if `shards` is empty.
    fn gather(shards: Vec<Self>) -> Result<Self> {
        gather(shards, None)
    }

    /// Summarizes these diagnostics alone. It waits for the device: in a loop, use an [`Aggregator`].
    ///
    /// # Errors
    /// Returns the errors of [`Aggregator::update`] and [`Aggregator::summary`].
    fn summary(&self) -> Result<Self::Summary> {
        let mut aggregator = Aggregator::new();
        aggregator.update(self)?;
        aggregator.summary()
    }

    /// Writes the summary of these diagnostics alone to a sink. It waits for the device: in a loop, use an
    /// [`Aggregator`].
    ///
    /// # Errors
    /// Returns the errors of [`summary`](Self::summary) and of the sink.
    fn log(&self, sink: &mut (impl Sink + ?Sized), step: u64) -> Result<()> {
        self.summary()?.log(sink, step)
    }
}

impl<D: Diagnostic> DiagnosticExt for D {}
