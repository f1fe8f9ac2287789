//! Sums of values that are in the host's memory.

use tch::{TchError, Tensor};

use crate::ffi;

/// The sum of a CPU tensor's values, each as a double, and whether all of them are finite.
///
/// # Errors
/// Returns libtorch's message if the tensor has no values of its own, or there is no memory for a contiguous copy.
pub fn sum_on_host(tensor: &Tensor) -> Result<(f64, bool), TchError> {
    let (mut sum, mut is_finite) = (0.0, true);
    // SAFETY: the tensor is live and is not kept; the two numbers are of the types that the C++ writes.
    unsafe { ffi::checked(ffi::booster_sum(tensor.as_ptr(), &raw mut sum, &raw mut is_finite))? };
    Ok((sum, is_finite))
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn each_value_counts_as_a_double() {
        let numbers = Tensor::from_slice(&(0..37).collect::<Vec<i64>>());
        for kind in [Kind::Float, Kind::Double, Kind::Int64, Kind::Int8, Kind::Half] {
            assert_eq!(sum_on_host(&numbers.to_kind(kind)).unwrap(), (666.0, true));
        }
        assert_eq!(sum_on_host(&numbers.ge(30)).unwrap(), (7.0, true));
        assert_eq!(sum_on_host(&numbers.reshape([1, 37]).repeat([3, 1]).tr().narrow(0, 36, 1)).unwrap(), (108.0, true));
        assert_eq!(sum_on_host(&Tensor::from_slice(&[f32::MAX; 9])).unwrap(), (9.0 * f64::from(f32::MAX), true));
    }

    #[test]
    fn what_is_not_finite_is_told_from_a_sum_that_overflows() {
        let (sum, is_finite) = sum_on_host(&Tensor::from_slice(&[f64::MAX, f64::MAX])).unwrap();
        assert!(sum.is_infinite() && is_finite);
        assert!(!sum_on_host(&Tensor::from_slice(&[1.0, f64::NAN])).unwrap().1);
        assert!(!sum_on_host(&Tensor::from_slice(&[f32::INFINITY, f32::NEG_INFINITY])).unwrap().1);
    }

    #[test]
    fn a_tensor_without_values_is_an_error() {
        assert!(sum_on_host(&Tensor::new()).is_err());
    }
}
