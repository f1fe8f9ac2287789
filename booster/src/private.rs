//! Support code for the macros. It is not public API and may change without notice.

#[path = "private/words.rs"]
pub mod words;

use std::fmt;

pub use serde;
pub use tch::Tensor;

pub use crate::batch::{Batch, FieldPath};
use crate::diagnostic::LeafInfo;
pub use crate::diagnostic::{
    Diagnostic, EmptySummary, Entry, Field, Leaf, Leaves, LeavesMut, Metric, Reduce, Reduced, ReducedBy, SampleCount,
    Schema, Summary, Unchecked, Values, deserialize_summary, format_summary, put, put_optional, reduction as reduce,
    serialize_summary, take, take_optional,
};
pub use crate::error::{Error, Result};
pub use crate::evaluation::{Evaluator, EvaluatorError, EvaluatorParam, Loss, Mode};
pub use crate::sealed::Sealed;

/// A marker for type parameters that no field mentions. It owns no value of them.
pub type Marker<T> = std::marker::PhantomData<fn() -> T>;

/// Returns one field of each part.
pub fn project<'a, T, F>(parts: &[&'a T], field: impl Fn(&'a T) -> &'a F) -> Vec<&'a F> {
    parts.iter().map(|&part| field(part)).collect()
}

/// Formats diagnostics by their leaves, with shapes in place of tensor values, so that nothing is read from a device.
///
/// # Errors
/// Returns the formatter's error.
pub fn debug_diagnostics<D: Diagnostic>(
    diagnostics: &D,
    name: &str,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let fields = D::SCHEMA.fields();
    debug_leaves(&fields, &Leaves::of(diagnostics, fields.len()).infos, name, formatter)
}

fn debug_leaves(
    fields: &[&'static Field],
    leaves: &[LeafInfo<'_>],
    name: &str,
    formatter: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut shown = formatter.debug_struct(name);
    for (field, info) in fields.iter().zip(leaves) {
        shown.field(field.name, &format_args!("{}", info.leaf));
    }
    shown.finish()
}

/// Formats a batch by the shapes of its tensors, so that nothing is read from a device.
///
/// # Errors
/// Returns the formatter's error.
pub fn debug_batch<B: Batch>(batch: &B, name: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = formatter.debug_struct(name);
    let visited = batch.visit_tensors(FieldPath::ROOT, &mut |path, tensor| {
        shown.field(&path.to_string(), &format_args!("{:?} of kind {:?}", tensor.size(), tensor.f_kind()?));
        Ok(())
    });
    visited.map_err(|_| fmt::Error)?;
    shown.finish()
}

/// Checks that a marked value was not written in place after its `let`. `then` is its write count at the `let`, `now`
/// its current one.
///
/// # Errors
/// Returns [`Error::WrittenInPlace`] if the counts differ.
pub fn unwritten_diagnostic(schema: Schema, field: &'static str, then: u64, now: u64) -> Result<()> {
    if then == now {
        return Ok(());
    }
    let fields = schema.fields();
    let group = fields.iter().find(|known| known.name == field).map_or("", |known| known.group);
    Err(Error::WrittenInPlace { field: format!("{group}/{field}") })
}

/// Checks that a marked output was not written in place after its `let`.
///
/// # Errors
/// Returns [`Error::WrittenInPlace`] if the counts differ.
pub fn unwritten_output(field: &'static str, then: u64, now: u64) -> Result<()> {
    if then == now { Ok(()) } else { Err(Error::WrittenInPlace { field: field.to_owned() }) }
}

/// A loss, with the diagnostics and the output of an evaluator's marked values.
pub type Marked<L, D, O> = (L, Result<(D, O)>);

/// Converts the result of an evaluator function with marked values to the result of [`Evaluator`].
///
/// # Errors
/// Returns the error of the function or of a marked value.
pub fn with_marked<L: Into<Loss>, D, O>(evaluated: Result<Marked<L, D, O>>) -> Result<(Loss, D, O)> {
    let (loss, marked) = evaluated?;
    let (diagnostics, output) = marked?;
    Ok((loss.into(), diagnostics, output))
}

/// Converts the result of an evaluator function to the result of [`Evaluator`].
///
/// # Errors
/// Returns the function's error.
pub fn into_loss<L: Into<Loss>, D, O>(evaluated: Result<(L, D, O)>) -> Result<(Loss, D, O)> {
    evaluated.map(|(loss, diagnostics, output)| (loss.into(), diagnostics, output))
}
