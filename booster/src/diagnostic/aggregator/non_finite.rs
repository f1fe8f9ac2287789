//! What is done with NaN and infinity among the values.

/// What an aggregator does with values that are NaN or infinite.
///
/// A value that counts nothing may be anything: a weighted one of weight 0, and a batch-level one of an update without
/// samples. It is not reported, and no reduction takes it, `sum` included.
///
/// They are found on the device, without waiting for it; the first one is told when the summary is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NonFinite {
    /// They take part: a mean over a NaN is NaN.
    #[default]
    Propagate,
    /// They are left out and counted: of per-sample and weighted values the entry alone, of a [`Ratio`](crate::Ratio) its
    /// row, and a batch-level value as a whole.
    Skip,
    /// The summary is an error that names the first update, the group and the field.
    Error,
}
