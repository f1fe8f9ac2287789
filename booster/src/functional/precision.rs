//! Checks of operands, and conversion to at least single precision.

use tch::{Kind, Tensor};

use crate::error::{Error, Result};
use crate::kind::{is_real, summing_kind};

/// Returns the shape and kind of an operand.
///
/// # Errors
/// Returns [`Error::Mismatch`] if the tensor is undefined, where tch would panic.
pub(crate) fn shape_and_kind(operation: &'static str, tensor: &Tensor) -> Result<(Vec<i64>, Kind)> {
    if tensor.defined() {
        return Ok((tensor.size(), tensor.f_kind()?));
    }
    let (expected, found) = ("a tensor".to_owned(), "an undefined tensor, such as `Tensor::new()`".to_owned());
    Err(Error::operand(operation, expected, found))
}

/// Returns the shape and kind of an operand of a floating-point, integer or bool kind.
///
/// # Errors
/// Returns [`Error::Mismatch`] if the tensor is undefined, complex or quantized.
pub(crate) fn real_shape_and_kind(operation: &'static str, tensor: &Tensor) -> Result<(Vec<i64>, Kind)> {
    let (size, kind) = shape_and_kind(operation, tensor)?;
    if is_real(kind) {
        return Ok((size, kind));
    }
    let expected = "a tensor of a real or bool kind".to_owned();
    Err(Error::operand(operation, expected, format!("kind {kind:?}")))
}

/// Converts a floating-point tensor to at least single precision.
pub(crate) fn at_least_single(tensor: &Tensor) -> Result<Tensor> {
    Ok(tensor.f_to_kind(summing_kind(tensor.f_kind()?))?)
}
