//! Per-sample reductions.

use tch::{Kind, Tensor};

use super::real_shape_and_kind;
use crate::error::{Error, Result};

/// The reduction of a sample's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BatchReduction {
    /// The sum of the entries.
    Sum,
    /// The mean of the entries.
    Mean,
}

/// Reduces all dimensions but the first: `[batch, *dims]` to `[batch]`.
///
/// Floating-point kinds are kept. Sums of integers or bools are of kind int64, and their means of kind float. A sample
/// without entries (a dimension of length 0) has sum 0 and mean NaN.
///
/// ```
/// use booster::functional::{BatchReduction, batch_reduce};
/// use booster::tch::Tensor;
///
/// # fn main() -> booster::Result<()> {
/// let errors = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 6.0]).reshape([2, 1, 2]);
/// assert_eq!(batch_reduce(&errors, BatchReduction::Sum)?, Tensor::from_slice(&[3.0f32, 9.0]));
/// assert_eq!(batch_reduce(&errors, BatchReduction::Mean)?, Tensor::from_slice(&[1.5f32, 4.5]));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Returns [`Error::Mismatch`] if the tensor has rank 0, or is undefined, complex or quantized.
pub fn batch_reduce(tensor: &Tensor, reduction: BatchReduction) -> Result<Tensor> {
    let (size, given) = real_shape_and_kind("batch_reduce", tensor)?;
    let rank = size.len() as i64;
    if rank == 0 {
        let expected = "a tensor of shape [batch, *dims]".to_owned();
        return Err(Error::operand("batch_reduce", expected, "a tensor of rank 0"));
    }
    let kind = match (tensor.is_floating_point(), reduction) {
        (true, _) => given,
        (false, BatchReduction::Sum) => Kind::Int64,
        (false, BatchReduction::Mean) => Kind::Float,
    };
    if rank == 1 {
        // libtorch treats an empty list of dimensions as all of them.
        return Ok(tensor.f_to_kind(kind)?);
    }
    let dims = (1..rank).collect::<Vec<_>>();
    Ok(match reduction {
        BatchReduction::Sum => tensor.f_sum_dim_intlist(&dims[..], false, kind)?,
        BatchReduction::Mean => tensor.f_mean_dim(&dims[..], false, kind)?,
    })
}
