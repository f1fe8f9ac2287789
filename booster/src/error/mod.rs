//! The error type of the library.

mod convert;
mod mismatch;
mod non_finite;
#[cfg(test)]
mod tests;
mod torch;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use tch::{Device, Kind};

pub use self::mismatch::Subject;
use self::mismatch::mismatch;
pub use self::non_finite::NonFiniteReport;
pub use self::torch::TorchError;

/// A [`std::result::Result`] whose error defaults to [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of any booster operation.
///
/// The `Display` text includes the cause, so [`source`](std::error::Error::source) returns `None`. `Debug` prints the
/// same text, for `fn main() -> booster::Result<()>`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A libtorch operation failed.
    #[error("libtorch: {0}")]
    Torch(TorchError),

    /// An error with context, added by [`Error::during`].
    #[error("{operation}: {cause}")]
    During {
        /// The operation that failed.
        operation: String,
        /// The underlying error.
        cause: Box<Error>,
    },

    /// An argument, operand, variable or field has an unexpected value, shape or kind.
    #[error("{}", mismatch(subject, expected, found))]
    Mismatch {
        /// The argument, operand, variable or field.
        subject: Subject,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },

    /// A batch has no samples.
    #[error("the batch is empty: expected at least one sample")]
    EmptyBatch,

    /// Two fields of a batch have different numbers of samples.
    #[error(
        "field `{field}` of the batch has {found} samples, but field `{other}` has {expected}: \
         all fields must have the same first dimension"
    )]
    BatchLength {
        /// The field that differs, by its path in the batch (`image.mask`, `views[1]`).
        field: String,
        /// The field's number of samples.
        found: i64,
        /// The field that it was compared with.
        other: String,
        /// The other field's number of samples.
        expected: i64,
    },

    /// A tensor of a batch is 0-dimensional, so it has no sample dimension.
    #[error("field `{field}` of the batch is 0-dimensional: its first dimension must be the sample dimension")]
    BatchScalar {
        /// The field, by its path in the batch.
        field: String,
    },

    /// A sample range is out of bounds.
    #[error("sample range {start}..{end} is out of bounds for a batch of {length}")]
    BatchRange {
        /// The start of the range.
        start: i64,
        /// The end of the range, exclusive.
        end: i64,
        /// The batch's number of samples.
        length: i64,
    },

    /// Parts of a batch cannot be joined, or a tensor of a batch is undefined.
    #[error("field `{field}`: {reason}")]
    BatchMismatch {
        /// The field, by its path in the batch.
        field: String,
        /// The difference between the parts, or that the tensor is undefined.
        reason: String,
    },

    /// A loss is not 0-dimensional.
    #[error("the loss must be 0-dimensional, got shape {shape:?}: reduce it with `f_mean` or `f_sum`")]
    LossShape {
        /// The loss's shape.
        shape: Vec<i64>,
    },

    /// A loss is not of a floating-point kind.
    #[error("the loss must be of a floating-point kind, got {kind:?}")]
    LossKind {
        /// The loss's kind.
        kind: Kind,
    },

    /// A loss cannot be differentiated because it does not depend on any trainable parameter.
    #[error(
        "the loss does not depend on a parameter that requires a gradient: all are frozen, \
         or the loss was computed without gradients (`no_grad`, `detach`)"
    )]
    LossWithoutGradient,

    /// A data-parallel pipeline was given no devices.
    #[error("the device list is empty: a pipeline needs at least one device, such as `[Device::Cpu]`")]
    NoDevice,

    /// A device is missing, or unsupported by this build of libtorch.
    #[error("device `{}` is unavailable (CUDA devices found: {found})", device_name(*device))]
    NoSuchDevice {
        /// The requested device.
        device: Device,
        /// The number of CUDA devices.
        found: i64,
    },

    /// A replica of a model failed. The other replicas have finished, and the pipeline remains usable.
    #[error("replica {replica} on {}{}: {cause}", device_name(*device), of_samples(samples.as_ref()))]
    Replica {
        /// The replica's device.
        device: Device,
        /// The index of the replica and of its shard.
        replica: usize,
        /// The sample range of the replica's shard, or `None` if it had no shard yet.
        samples: Option<Range<i64>>,
        /// The underlying error.
        cause: Box<Error>,
    },

    /// A model or an evaluator panicked.
    #[error("panicked: {message}")]
    Panicked {
        /// The panic message.
        message: String,
    },

    /// The per-sample fields of diagnostics disagree about the number of samples.
    #[error(
        "`{group}/{field}` has {found} samples, but `{other}` has {expected}: per-sample fields of a struct \
         must have the same length; if flattened structs differ, add a `#[metric(samples)]` field to the outer struct"
    )]
    SampleCount {
        /// The field's group.
        group: &'static str,
        /// The field.
        field: &'static str,
        /// The field's number of samples.
        found: i64,
        /// The field that it was compared with, as `group/field`.
        other: String,
        /// The other field's number of samples.
        expected: i64,
    },

    /// A marked value of an evaluator was written in place before the evaluator returned.
    #[error(
        "`{field}` was written in place after its `let`, which would change the returned value: mark the final value \
         or write to a copy (`copy()`)"
    )]
    WrittenInPlace {
        /// The field: `group/field` of the diagnostics, or the name of an output.
        field: String,
    },

    /// A value could not be reduced. It is excluded from the field's metrics; all other values are included.
    #[error("cannot reduce `{group}/{field}` of update {} (counted from 1){}: {cause}", update.saturating_add(1), and_others(*left_out))]
    Reduction {
        /// The field's group.
        group: &'static str,
        /// The field.
        field: &'static str,
        /// The zero-based index of the first update whose value was excluded.
        update: u64,
        /// The number of values of the field that were excluded in the same pass.
        left_out: u64,
        /// The underlying error, which names the reduction if one failed.
        cause: Box<Error>,
    },

    /// A value was NaN or infinite under [`NonFinite::Error`](crate::NonFinite::Error).
    #[error("{0}")]
    NonFinite(NonFiniteReport),

    /// A loss or gradient was NaN or infinite during training.
    #[error("the {what} of training step {} (counted from 1) was NaN or infinite; earlier steps were finite", step.saturating_add(1))]
    NonFiniteStep {
        /// The zero-based index of the first such step.
        step: u64,
        /// The non-finite quantity: `loss` or `gradient`.
        what: &'static str,
    },

    /// A saved aggregator has a different schema.
    #[error("the saved aggregator has a different schema: {0}")]
    Schema(String),

    /// An aggregator was summarized that had no updates since its creation or last reset.
    #[error("cannot summarize an aggregator without updates")]
    NoUpdate,

    /// A tag was written to a sink twice at the same step.
    #[error(
        "`{tag}` was already written at step {step}: write one of the two under a prefix \
         (`sink.under(\"validation\")`) or to a separate sink"
    )]
    DuplicateTag {
        /// The tag, with its prefix: `group/name`.
        tag: String,
        /// The step.
        step: u64,
    },

    /// A file or folder could not be read or written.
    #[error("cannot {operation} `{}`: {cause}", path.display())]
    Io {
        /// The operation that failed.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The underlying I/O error.
        cause: std::io::Error,
    },

    /// An error from user code, such as an evaluator or a model.
    #[error(transparent)]
    Custom(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

fn and_others(left_out: u64) -> String {
    match left_out {
        0 | 1 => String::new(),
        2 => " or of 1 later update".to_owned(),
        _ => format!(" or of {} later updates", left_out - 1),
    }
}

/// Returns the name of a device in PyTorch's notation, such as `cuda:0`.
fn device_name(device: Device) -> String {
    match device {
        Device::Cuda(index) => format!("cuda:{index}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn of_samples(samples: Option<&Range<i64>>) -> String {
    samples.map_or_else(String::new, |Range { start, end }| format!(", samples {start}..{end} of the batch"))
}
