//! The one error type of the library.

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

/// A [`std::result::Result`] with booster's [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, with the operation, the field and what was found instead of what was expected.
///
/// Its text holds the cause, so that printing the error is enough; there is no [`source`](std::error::Error::source)
/// that would repeat it. `Debug` writes the same text, since `fn main() -> booster::Result<()>` prints that.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// libtorch refused an operation.
    #[error("libtorch: {0}")]
    Torch(TorchError),

    /// An error with what was being done when it came up.
    #[error("{operation}: {cause}")]
    During {
        /// What was being done.
        operation: String,
        /// What went wrong.
        cause: Box<Error>,
    },

    /// An argument, an operand, a variable or the value of a field is not what was expected.
    #[error("{}", mismatch(subject, expected, found))]
    Mismatch {
        /// What is not.
        subject: Subject,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },

    /// A batch without samples was given where at least one is needed.
    #[error("the batch is empty: its tensors hold no sample along their first dimension")]
    EmptyBatch,

    /// Two fields of a batch hold different numbers of samples.
    #[error(
        "field `{field}` of the batch has {found} samples, but field `{other}` has {expected}: \
         the first dimension is the samples'"
    )]
    BatchLength {
        /// The field that differs, by its path in the batch (`image.mask`, `views[1]`).
        field: String,
        /// Its number of samples.
        found: i64,
        /// The field that it was compared with.
        other: String,
        /// That field's number of samples.
        expected: i64,
    },

    /// A tensor of a batch has no first dimension to hold samples.
    #[error("field `{field}` of the batch is 0-dimensional: its first dimension has to be the samples'")]
    BatchScalar {
        /// The field, by its path in the batch.
        field: String,
    },

    /// A range of samples that the batch does not have.
    #[error("samples {start}..{end} were asked for of a batch of {length}")]
    BatchRange {
        /// First sample asked for.
        start: i64,
        /// One past the last sample asked for.
        end: i64,
        /// The batch's number of samples.
        length: i64,
    },

    /// Parts of a batch do not fit together, or a tensor of it is undefined.
    #[error("field `{field}`: {reason}")]
    BatchMismatch {
        /// The field, by its path in the batch.
        field: String,
        /// What differs, and between which parts.
        reason: String,
    },

    /// A loss has dimensions left.
    #[error(
        "the loss has shape {shape:?}, but a loss is 0-dimensional: reduce it, with `f_mean` or `f_sum`, \
         before it is returned"
    )]
    LossShape {
        /// The shape that was found.
        shape: Vec<i64>,
    },

    /// A loss cannot be differentiated because of its kind.
    #[error("the loss is of kind {kind:?}, but a loss is of a floating-point kind")]
    LossKind {
        /// The kind that was found.
        kind: Kind,
    },

    /// A loss was asked for its gradient but no parameter takes part in it.
    #[error(
        "the loss does not depend on a parameter that requires a gradient: all are frozen, \
         or the loss was computed without gradients (`no_grad`, `detach`)"
    )]
    LossWithoutGradient,

    /// A pipeline on many devices was given none.
    #[error("there is no device: a pipeline needs at least one, such as `[Device::Cpu]`")]
    NoDevice,

    /// A device that this machine, or this libtorch, does not have.
    #[error("{device:?} is not there: libtorch finds {found} CUDA devices")]
    NoSuchDevice {
        /// The device that was asked for.
        device: Device,
        /// How many CUDA devices there are.
        found: i64,
    },

    /// One replica of a model could not do its part. The others have finished theirs, and all can be used again.
    #[error("replica {replica} on {device:?}{}: {cause}", of_samples(samples.as_ref()))]
    Replica {
        /// The replica's device.
        device: Device,
        /// Its place among the devices, which is that of its shard among the shards.
        replica: usize,
        /// The samples of the batch that are its shard; `None` where it was yet to get one.
        samples: Option<Range<i64>>,
        /// What went wrong.
        cause: Box<Error>,
    },

    /// A model or an evaluator panicked.
    #[error("panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },

    /// The per-sample fields of diagnostics disagree about the number of samples.
    #[error(
        "`{group}/{field}` has {found} samples, but `{other}` has {expected}: per-sample fields of a struct \
         have one entry per sample, and where flattened structs differ, one that flattens them says with \
         `#[metric(samples)]` how many there are"
    )]
    SampleCount {
        /// The field's group.
        group: &'static str,
        /// The field.
        field: &'static str,
        /// Its number of samples.
        found: i64,
        /// The field that it was compared with, as `group/field`.
        other: String,
        /// That field's number of samples.
        expected: i64,
    },

    /// A marked value of an evaluator was written in place before the evaluator returned.
    #[error(
        "`{field}` was written in place after its `let`, which would change what is returned: mark the final value, or \
         write to a copy (`copy()`)"
    )]
    WrittenInPlace {
        /// The field: `group/field` of the diagnostics, or the name of an output.
        field: String,
    },

    /// A value could not be reduced. It is left out of its field; all others count.
    #[error("`{group}/{field}` of update {}, counted from 1, cannot be reduced{}: {cause}", update.saturating_add(1), and_others(*left_out))]
    Reduction {
        /// The field's group.
        group: &'static str,
        /// The field.
        field: &'static str,
        /// The first update whose value was left out, counted from 0.
        update: u64,
        /// How many values of the field were left out at once.
        left_out: u64,
        /// What went wrong, with the reduction.
        cause: Box<Error>,
    },

    /// A value was NaN or infinite, and the aggregator was told to refuse that.
    #[error("{0}")]
    NonFinite(NonFiniteReport),

    /// A loss or a gradient was NaN or infinite in training.
    #[error("the {what} of training step {}, counted from 1, was NaN or infinite; that of earlier steps was not", step.saturating_add(1))]
    NonFiniteStep {
        /// The first such step of the optimizer.
        step: u64,
        /// `loss` or `gradient`.
        what: &'static str,
    },

    /// A saved aggregator is of other diagnostics.
    #[error("the saved aggregator is of another schema: {0}")]
    Schema(String),

    /// A summary was asked of an aggregator that was never updated.
    #[error("there is nothing to summarize: the aggregator was not updated since it was made or reset")]
    NoUpdate,

    /// A tag was written to a sink twice at one step.
    #[error(
        "`{tag}` was already written at step {step}: write one of the two under a prefix, as \
         `sink.under(\"validation\")` does, or to a sink of its own"
    )]
    DuplicateTag {
        /// The tag, with its prefix: `group/name`.
        tag: String,
        /// The step that it was written at.
        step: u64,
    },

    /// A file or folder could not be read or written.
    #[error("cannot {operation} `{}`: {cause}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        cause: std::io::Error,
    },

    /// An error of the user's own, from an evaluator or a model.
    #[error(transparent)]
    Custom(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

fn and_others(left_out: u64) -> String {
    if left_out > 1 { format!(", nor those of {} later ones", left_out - 1) } else { String::new() }
}

fn of_samples(samples: Option<&Range<i64>>) -> String {
    samples.map_or_else(String::new, |Range { start, end }| format!(", samples {start}..{end} of the batch"))
}
