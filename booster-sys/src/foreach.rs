//! Operations on many tensors at once, which launch fewer GPU kernels than a loop.

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use crate::ffi;

/// Returns the Euclidean norm over all entries of all tensors.
///
/// The norm is a real 0-dimensional tensor on the first tensor's device: a double if any tensor has double precision,
/// or a float otherwise.
///
/// # Errors
/// Returns [`TchError`] if `tensors` is empty or one of them has an integer kind.
pub fn global_norm(tensors: &[Tensor]) -> Result<Tensor, TchError> {
    let pointers = pointers(tensors);
    let mut norm = std::ptr::null_mut();
    // SAFETY: the pointers refer to `tensors`; on success, `norm` is a new tensor that is ours to own.
    unsafe {
        ffi::checked(ffi::booster_global_norm(pointers.as_ptr(), pointers.len(), &raw mut norm))?;
        Ok(Tensor::from_ptr(norm))
    }
}

/// Multiplies tensors in place by a 0-dimensional factor on any device, without recording a graph.
///
/// Computes in single precision or higher.
///
/// # Errors
/// Returns [`TchError`] if the factor is not 0-dimensional.
pub fn multiply(tensors: &mut [Tensor], factor: &Tensor) -> Result<(), TchError> {
    let pointers = pointers(tensors);
    let factor = number(factor)?;
    // SAFETY: the pointers refer to `tensors`, which is borrowed mutably; `factor` is live.
    unsafe { ffi::checked(ffi::booster_multiply(pointers.as_ptr(), pointers.len(), factor.as_ptr())) }
}

/// Clamps entries in place to `-most..=most`, without recording a graph.
///
/// The real and imaginary parts of complex entries are clamped separately.
///
/// # Errors
/// Returns [`TchError`] if libtorch does not support a tensor's kind.
pub fn clamp(tensors: &mut [Tensor], most: f64) -> Result<(), TchError> {
    let pointers = pointers(tensors);
    // SAFETY: the pointers refer to `tensors`, which is borrowed mutably.
    unsafe { ffi::checked(ffi::booster_clamp(pointers.as_ptr(), pointers.len(), most)) }
}

/// Interpolates each mean linearly toward its new value, without recording a graph.
///
/// The weight `share` of the new values is a 0-dimensional tensor on any device. A tensor that is not
/// [defined](Tensor::defined) counts as 0. Means have single precision or higher. A mean that was undefined may share
/// memory with its value afterward.
///
/// # Errors
/// Returns [`TchError`] if the number of means differs from the number of values, `share` is not 0-dimensional, or the
/// shapes of a mean and its value do not match.
pub fn move_means(means: &mut [Tensor], values: &[Tensor], share: &Tensor) -> Result<(), TchError> {
    if means.len() != values.len() {
        return Err(TchError::Torch(format!("expected {} values, one per mean, got {}", means.len(), values.len())));
    }
    let share = number(share)?;
    let means = means.iter_mut().map(Tensor::as_mut_ptr).collect::<Vec<_>>();
    let values = pointers(values);
    // SAFETY: all tensors are live, there are as many values as means, and the means are borrowed mutably.
    unsafe { ffi::checked(ffi::booster_move_means(means.as_ptr(), values.as_ptr(), means.len(), share.as_ptr())) }
}

fn pointers(tensors: &[Tensor]) -> Vec<*const C_tensor> {
    tensors.iter().map(Tensor::as_ptr).collect()
}

fn number(factor: &Tensor) -> Result<&Tensor, TchError> {
    if factor.dim() == 0 {
        return Ok(factor);
    }
    Err(TchError::Torch(format!("the factor must be 0-dimensional, got shape {:?}", factor.size())))
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn the_norm_covers_all_entries() {
        let of = |values: &[f64], kind| Tensor::from_slice(values).to_kind(kind);
        let norm = global_norm(&[of(&[1.0, 2.0], Kind::Float), of(&[4.0, 10.0], Kind::BFloat16)]).unwrap();
        assert_eq!((norm.double_value(&[]), norm.kind(), norm.dim()), (11.0, Kind::Float, 0));
        // Half precision cannot hold these squares.
        let norm = global_norm(&[of(&[3e4, 4e4], Kind::Half), of(&[0.0], Kind::Double)]).unwrap();
        assert_eq!((norm.double_value(&[]).round(), norm.kind()), (5e4, Kind::Double));
        assert!(global_norm(&[]).is_err());
    }

    #[test]
    fn sparse_tensors_are_supported() {
        let sparse = || Tensor::from_slice2(&[[3.0f32, 0.0], [0.0, 4.0]]).to_sparse(None, None::<&[i64]>, None);
        let norm = global_norm(&[sparse(), Tensor::from_slice(&[12.0f32])]).unwrap();
        assert_eq!(norm, Tensor::from(13.0f32));
        let mut tensors = [sparse()];
        multiply(&mut tensors, &Tensor::from(2.0f64)).unwrap();
        assert_eq!(tensors[0].to_dense(None, false), sparse().to_dense(None, false) * 2.0);
    }

    #[test]
    fn tensors_of_different_kinds_are_multiplied() {
        let mut tensors = [Tensor::from_slice(&[1.0f32, 2.0]), Tensor::from_slice(&[3.0f64])];
        multiply(&mut tensors, &Tensor::from(0.5f32)).unwrap();
        multiply(&mut tensors[..1], &Tensor::from(2.0f64)).unwrap();
        assert_eq!(Vec::<f32>::try_from(&tensors[0]).unwrap(), [1.0, 2.0]);
        assert_eq!(Vec::<f64>::try_from(&tensors[1]).unwrap(), [1.5]);
        assert!(multiply(&mut tensors, &Tensor::from_slice(&[1.0, 2.0])).is_err());
    }

    fn complex(parts: &[f32]) -> Tensor {
        Tensor::from_slice(parts).view([-1, 2]).view_as_complex()
    }

    fn sparse(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).to_sparse(None, None::<&[i64]>, None)
    }

    #[test]
    fn complex_tensors_are_supported() {
        for tensor in [complex(&[3.0, 4.0, 0.0, 12.0]), complex(&[3.0, 4.0, 0.0, 12.0]).conj()] {
            let norm = global_norm(&[tensor.shallow_clone()]).unwrap();
            assert_eq!((norm.double_value(&[]), norm.kind()), (13.0, Kind::Float));
            let norm = global_norm(&[tensor.shallow_clone(), Tensor::from_slice(&[84.0f64])]).unwrap();
            assert_eq!((norm.double_value(&[]), norm.kind()), (85.0, Kind::Double));
            let mut tensors = [tensor];
            multiply(&mut tensors, &Tensor::from(0.5)).unwrap();
            assert_eq!(tensors[0].abs(), Tensor::from_slice(&[2.5f32, 6.0]));
            clamp(&mut tensors, 2.0).unwrap();
            assert_eq!(tensors[0].real(), Tensor::from_slice(&[1.5f32, 0.0]));
            assert_eq!(tensors[0].imag().abs(), Tensor::from_slice(&[2.0f32, 2.0]));
        }
    }

    #[test]
    fn half_precision_is_multiplied_in_single_precision() {
        // 1 / 4e6 is subnormal in half precision; 1/3 rounds to 0.33325.
        for (value, factor) in [(4e4, 2.5e-7), (3e4, 1.0 / 3.0)] {
            for dense in [true, false] {
                let tensor = Tensor::from_slice(&[value, 0.0]).to_kind(Kind::Half);
                let mut tensors = [if dense { tensor } else { tensor.to_sparse(None, None::<&[i64]>, None) }];
                multiply(&mut tensors, &Tensor::from(factor)).unwrap();
                let expected = Tensor::from(value * factor).to_kind(Kind::Half);
                let found = if dense { tensors[0].get(0) } else { tensors[0].to_dense(None, false).get(0) };
                assert_eq!((found, tensors[0].kind()), (expected, Kind::Half));
            }
        }
    }

    #[test]
    fn duplicate_entries_of_a_sparse_tensor_are_summed_before_clamping() {
        let (indices, values) = (Tensor::from_slice2(&[[1i64, 1, 2]]), Tensor::from_slice(&[3.0f32, 4.0, -1.0]));
        let options = (Kind::Float, tch::Device::Cpu);
        let mut tensors = [Tensor::sparse_coo_tensor_indices_size(&indices, &values, [4], options, false)];
        clamp(&mut tensors, 5.0).unwrap();
        assert_eq!(tensors[0].to_dense(None, false), Tensor::from_slice(&[0.0f32, 5.0, -1.0, 0.0]));
    }

    #[test]
    fn undefined_means_and_values_count_as_zero() {
        let dense = |values: &[f32]| Tensor::from_slice(values);
        let half = dense(&[6e4, 1.0]).to_kind(Kind::Half);
        let mut means = [dense(&[1.0, 2.0]), Tensor::new(), dense(&[4.0, 0.0]), Tensor::new(), Tensor::new()];
        let values = [dense(&[5.0, 6.0]), dense(&[4.0, 8.0]), Tensor::new(), half, Tensor::new()];
        move_means(&mut means, &values, &Tensor::from(0.25)).unwrap();
        assert_eq!(means[0], dense(&[2.0, 3.0]));
        assert_eq!(means[1], dense(&[1.0, 2.0]));
        assert_eq!(means[2], dense(&[3.0, 0.0]));
        assert_eq!((&means[3], means[3].kind()), (&dense(&[1.5e4, 0.25]), Kind::Float));
        assert!(!means[4].defined());
        assert!(move_means(&mut means[..1], &[], &Tensor::from(0.5)).is_err());
        assert!(move_means(&mut means[..1], &[dense(&[1.0, 2.0, 3.0])], &Tensor::from(0.5)).is_err());
    }

    #[test]
    fn sparse_and_dense_values_can_be_mixed() {
        let mut means = [sparse(&[4.0, 0.0, 0.0]), sparse(&[4.0, 0.0, 0.0]), Tensor::from_slice(&[4.0f32, 0.0, 2.0])];
        let values = [sparse(&[0.0, 8.0, 0.0]), Tensor::from_slice(&[0.0f32, 8.0, 0.0]), sparse(&[0.0, 8.0, 0.0])];
        move_means(&mut means, &values, &Tensor::from(0.25)).unwrap();
        assert_eq!(means.each_ref().map(Tensor::is_sparse), [true, false, false]);
        assert_eq!(means[0].to_dense(None, false), Tensor::from_slice(&[3.0f32, 2.0, 0.0]));
        assert_eq!(means[1], Tensor::from_slice(&[3.0f32, 2.0, 0.0]));
        assert_eq!(means[2], Tensor::from_slice(&[3.0f32, 2.0, 1.5]));
    }
}
