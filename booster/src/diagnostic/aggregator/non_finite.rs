//! The policy for non-finite values.

/// The policy of an aggregator for NaN and infinite values.
///
/// Values without weight are exempt: weighted values of weight 0, and batch-level values of an update without samples.
/// They are not reported, and no reduction includes them, not even `sum`.
///
/// Non-finite values are detected on the device, without waiting for it, and reported with the summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NonFinite {
    /// Includes non-finite values: a mean that includes a NaN is NaN.
    #[default]
    Propagate,
    /// Skips and counts non-finite values: single entries of per-sample and weighted values, rows of a
    /// [`Ratio`](crate::Ratio), and whole batch-level values.
    Skip,
    /// Fails the summary with an error that names the group, the field and the first update with a non-finite value.
    Error,
}
