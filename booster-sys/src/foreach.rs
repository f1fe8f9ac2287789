//! One operation on many tensors: a few kernels on a GPU where a loop would start one for each.

use tch::{TchError, Tensor};

use crate::ffi;

/// The Euclidean norm of all entries of all tensors together, a 0-dimensional tensor on the first one's device: a double
/// where one of them is of that kind, else a float.
///
/// # Errors
/// Where there is no tensor, or one is not of a floating-point kind.
pub fn global_norm(tensors: &[Tensor]) -> Result<Tensor, TchError> {
    let pointers = tensors.iter().map(Tensor::as_ptr).collect::<Vec<_>>();
    let mut norm = std::ptr::null_mut();
    // SAFETY: the pointers are of live tensors, as many as there are; where there is no message, `norm` is a tensor that
    // nobody else owns.
    unsafe {
        ffi::checked(ffi::booster_global_norm(pointers.as_ptr(), pointers.len(), &raw mut norm))?;
        Ok(Tensor::from_ptr(norm))
    }
}

/// Multiplies tensors, in place, by the same 0-dimensional factor, wherever it is. Nothing is recorded.
///
/// # Errors
/// Where the factor has dimensions.
pub fn multiply(tensors: &mut [Tensor], factor: &Tensor) -> Result<(), TchError> {
    if factor.dim() != 0 {
        return Err(TchError::Torch(format!("a factor of shape {:?} is no single number", factor.size())));
    }
    let pointers = tensors.iter().map(Tensor::as_ptr).collect::<Vec<_>>();
    // SAFETY: the pointers are of live tensors, as many as there are, which are borrowed for writing; `factor` is live.
    unsafe { ffi::checked(ffi::booster_multiply(pointers.as_ptr(), pointers.len(), factor.as_ptr())) }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn the_norm_is_that_of_all_entries() {
        let of = |values: &[f64], kind| Tensor::from_slice(values).to_kind(kind);
        let norm = global_norm(&[of(&[1.0, 2.0], Kind::Float), of(&[4.0, 10.0], Kind::BFloat16)]).unwrap();
        assert_eq!((norm.double_value(&[]), norm.kind(), norm.dim()), (11.0, Kind::Float, 0));
        // Squares that half precision cannot hold.
        let norm = global_norm(&[of(&[3e4, 4e4], Kind::Half), of(&[0.0], Kind::Double)]).unwrap();
        assert_eq!((norm.double_value(&[]).round(), norm.kind()), (5e4, Kind::Double));
        assert!(global_norm(&[]).is_err());
    }

    #[test]
    fn sparse_tensors_count_by_their_values() {
        let sparse = || Tensor::from_slice2(&[[3.0f32, 0.0], [0.0, 4.0]]).to_sparse(None, None::<&[i64]>, None);
        let norm = global_norm(&[sparse(), Tensor::from_slice(&[12.0f32])]).unwrap();
        assert_eq!(norm, Tensor::from(13.0f32));
        let mut tensors = [sparse()];
        multiply(&mut tensors, &Tensor::from(2.0f64)).unwrap();
        assert_eq!(tensors[0].to_dense(None, false), sparse().to_dense(None, false) * 2.0);
    }

    #[test]
    fn all_are_multiplied_whatever_their_kind() {
        let mut tensors = [Tensor::from_slice(&[1.0f32, 2.0]), Tensor::from_slice(&[3.0f64])];
        multiply(&mut tensors, &Tensor::from(0.5f32)).unwrap();
        multiply(&mut tensors[..1], &Tensor::from(2.0f64)).unwrap();
        assert_eq!(Vec::<f32>::try_from(&tensors[0]).unwrap(), [1.0, 2.0]);
        assert_eq!(Vec::<f64>::try_from(&tensors[1]).unwrap(), [1.5]);
        assert!(multiply(&mut tensors, &Tensor::from_slice(&[1.0, 2.0])).is_err());
    }
}
