//! How the values of shards become one.

/// Combines the batch-level values of several shards of a batch into one, in
/// [`gather`](crate::DiagnosticExt::gather).
///
/// The rule of a field is that of its first reduction. Per-sample values are joined and have no rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gather {
    /// The mean, each shard weighted by its number of samples.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// The least value.
    Min,
    /// The greatest value.
    Max,
    /// The value of the last shard.
    Last,
}
