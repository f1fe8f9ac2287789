//! Sums of CPU tensors.

use tch::{TchError, Tensor};

use crate::ffi;

/// Sums a CPU tensor in double precision, and returns whether all its values are finite.
///
/// # Errors
/// Returns [`TchError`] if the tensor is undefined or allocating a contiguous copy fails.
pub fn sum_on_host(tensor: &Tensor) -> Result<(f64, bool), TchError> {
    let (mut sum, mut is_finite) = (0.0, true);
    // SAFETY: the tensor is live, and the call does not retain it; the results have the types that the C++ writes.
    unsafe { ffi::checked(ffi::booster_sum(tensor.as_ptr(), &raw mut sum, &raw mut is_finite))? };
    Ok((sum, is_finite))
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn values_are_summed_in_double_precision() {
        let numbers = Tensor::from_slice(&(0..37).collect::<Vec<i64>>());
        for kind in [Kind::Float, Kind::Double, Kind::Int64, Kind::Int8, Kind::Half] {
            assert_eq!(sum_on_host(&numbers.to_kind(kind)).unwrap(), (666.0, true));
        }
        assert_eq!(sum_on_host(&numbers.ge(30)).unwrap(), (7.0, true));
        assert_eq!(sum_on_host(&numbers.reshape([1, 37]).repeat([3, 1]).tr().narrow(0, 36, 1)).unwrap(), (108.0, true));
        assert_eq!(sum_on_host(&Tensor::from_slice(&[f32::MAX; 9])).unwrap(), (9.0 * f64::from(f32::MAX), true));
    }

    #[test]
    fn an_overflowing_sum_of_finite_values_is_finite() {
        let (sum, is_finite) = sum_on_host(&Tensor::from_slice(&[f64::MAX, f64::MAX])).unwrap();
        assert!(sum.is_infinite() && is_finite);
        assert!(!sum_on_host(&Tensor::from_slice(&[1.0, f64::NAN])).unwrap().1);
        assert!(!sum_on_host(&Tensor::from_slice(&[f32::INFINITY, f32::NEG_INFINITY])).unwrap().1);
    }

    #[test]
    fn an_undefined_tensor_is_an_error() {
        assert!(sum_on_host(&Tensor::new()).is_err());
    }
}
