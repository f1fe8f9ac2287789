//! Rules for combining the values of shards.

/// The rule by which [`gather`](crate::DiagnosticExt::gather) combines the batch-level values of several shards.
///
/// A field uses the rule of its first reduction. Per-sample values are concatenated and need no rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gather {
    /// The mean, with each shard weighted by its number of samples.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// The value of the last shard.
    Last,
}
