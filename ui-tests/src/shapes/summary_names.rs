//! A summary's name where the derived one is taken.

use ::booster::tch::Tensor;

/// Not a summary of the diagnostics below.
#[derive(::core::fmt::Debug, ::core::clone::Clone, ::core::marker::Copy)]
pub struct EpochSummary {
    /// A number.
    pub best: f64,
}

/// Diagnostics.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
#[diagnostic(summary = EpochReport, crate = ::booster)]
pub struct Epoch<A> {
    /// A value.
    #[group = "loss"]
    pub nll: Tensor,
    /// Another's.
    #[diagnostic(flatten)]
    pub auxiliary: A,
}

/// Reads both.
#[must_use]
pub fn better(report: &EpochReport<Epoch<()>>, loss: &EpochReportLoss, before: EpochSummary) -> bool {
    report.loss.nll < before.best && report.auxiliary.loss == *loss
}
