//! Operations between a tensor and a number that return an error if libtorch fails.
//!
//! tch's `f_*` functions with a `Scalar` argument panic instead: they drop the temporary scalar while the error is
//! still pending, and the drop unwraps that error.

use std::ffi::CStr;

use tch::{Device, Kind, TchError, Tensor};
use torch_sys::C_scalar;

use crate::ffi;

/// An integer or a float, which libtorch's type promotion treats differently.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// An integer, which keeps the kind of an integer tensor.
    Integer(i64),
    /// A float, which promotes an integer tensor to a float tensor.
    Float(f64),
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// An owned libtorch scalar.
struct Scalar(*mut C_scalar);

impl Scalar {
    fn new(number: Number) -> Self {
        // SAFETY: both functions only allocate, and `drop` frees the result once.
        Self(unsafe {
            match number {
                Number::Integer(value) => torch_sys::ats_int(value),
                Number::Float(value) => torch_sys::ats_float(value),
            }
        })
    }
}

impl Drop for Scalar {
    fn drop(&mut self) {
        // SAFETY: `new` allocated the scalar, which is not used afterwards. Unlike tch's implementation, this one
        // leaves a pending error in place.
        unsafe { torch_sys::ats_free(self.0) }
    }
}

/// Takes the pending error of the last call, if any.
fn pending_error() -> Result<(), TchError> {
    // SAFETY: the message is null or a string that we own.
    let message = unsafe { torch_sys::get_and_reset_last_err() };
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: the message is non-null and has not been freed yet.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    // SAFETY: torch-sys allocated the message with `strdup`.
    unsafe { free(message.cast()) };
    Err(TchError::Torch(text))
}

unsafe extern "C" {
    fn free(pointer: *mut std::ffi::c_void);
}

/// Declares and implements the operations of [`ScalarOps`].
macro_rules! operations {
    ($(
        $(#[$docs:meta])*
        fn $name:ident($this:ident: $receiver:ty)($($tensor:ident)?)($($number:ident),*) = $function:ident;
    )*) => {
        /// Operations between a tensor and a number.
        ///
        /// Each `try_*` method corresponds to tch's `f_*` method, but returns an error where the latter panics.
        ///
        /// ```
        /// use booster_sys::scalar::ScalarOps as _;
        /// use tch::{Device, Kind, Tensor};
        ///
        /// # fn main() -> Result<(), tch::TchError> {
        /// let ones = Tensor::f_ones([2], (Kind::Float, Device::Cpu))?;
        /// assert_eq!(ones.try_mul_scalar(3.0)?, Tensor::from_slice(&[3f32, 3.0]));
        /// // tch's `f_clamp` panics here.
        /// assert!(ones.f_to_kind(Kind::ComplexFloat)?.try_clamp(0.0, 1.0).is_err());
        /// # Ok(())
        /// # }
        /// ```
        pub trait ScalarOps {
            $(
                $(#[$docs])*
                ///
                /// # Errors
                /// Returns [`TchError`] if libtorch does not support the shapes, the kind or the device.
                fn $name($this: $receiver $(, $tensor: &Tensor)? $(, $number: impl Into<Number>)*) -> Result<Tensor, TchError>;
            )*
        }

        impl ScalarOps for Tensor {
            $(
                fn $name($this: $receiver $(, $tensor: &Tensor)? $(, $number: impl Into<Number>)*) -> Result<Tensor, TchError> {
                    $(let $number = Scalar::new($number.into());)*
                    let mut result = std::ptr::null_mut();
                    // SAFETY: the tensors and scalars outlive the call; libtorch writes one new tensor to `result` or
                    // leaves an error pending.
                    unsafe {
                        torch_sys::c_generated::$function(
                            &raw mut result,
                            $this.as_ptr().cast_mut()
                            $(, $tensor.as_ptr().cast_mut())?
                            $(, $number.0)*
                        );
                    }
                    pending_error()?;
                    // SAFETY: on success, `result` is a new tensor without another owner.
                    Ok(unsafe { Tensor::from_ptr(result) })
                }
            )*
        }
    };
}

operations! {
    /// Adds a number to each entry.
    fn try_add_scalar(self: &Self)()(other) = atg_add_scalar;
    /// Subtracts a number from each entry.
    fn try_sub_scalar(self: &Self)()(other) = atg_sub_scalar;
    /// Multiplies entries by a number.
    fn try_mul_scalar(self: &Self)()(other) = atg_mul_scalar;
    /// Divides entries by a number.
    fn try_div_scalar(self: &Self)()(other) = atg_div_scalar;
    /// Divides entries by a number, in place.
    fn try_div_scalar_(self: &mut Self)()(other) = atg_div_scalar_;
    /// Raises entries to a power.
    fn try_pow_tensor_scalar(self: &Self)()(exponent) = atg_pow_tensor_scalar;
    /// Compares entries with a number: `==`.
    fn try_eq(self: &Self)()(other) = atg_eq;
    /// Compares entries with a number: `!=`.
    fn try_ne(self: &Self)()(other) = atg_ne;
    /// Compares entries with a number: `<`.
    fn try_lt(self: &Self)()(other) = atg_lt;
    /// Compares entries with a number: `<=`.
    fn try_le(self: &Self)()(other) = atg_le;
    /// Compares entries with a number: `>`.
    fn try_gt(self: &Self)()(other) = atg_gt;
    /// Compares entries with a number: `>=`.
    fn try_ge(self: &Self)()(other) = atg_ge;
    /// Clamps entries to a range.
    fn try_clamp(self: &Self)()(min, max) = atg_clamp;
    /// Clamps entries to a range, in place.
    fn try_clamp_(self: &mut Self)()(min, max) = atg_clamp_;
    /// Clamps entries to a maximum.
    fn try_clamp_max(self: &Self)()(max) = atg_clamp_max;
    /// Clamps entries to a minimum.
    fn try_clamp_min(self: &Self)()(min) = atg_clamp_min;
    /// Replaces entries at or below a threshold with a value. The gradient of replaced entries is 0.
    fn try_threshold(self: &Self)()(threshold, value) = atg_threshold;
    /// Fills a tensor with a number, in place.
    fn try_fill_(self: &mut Self)()(value) = atg_fill_;
    /// Replaces the entries selected by a mask with a number.
    fn try_masked_fill(self: &Self)(mask)(value) = atg_masked_fill;
    /// Interpolates linearly toward another tensor, in place.
    fn try_lerp_(self: &mut Self)(end)(weight) = atg_lerp_;
    /// Returns a tensor of the same shape, kind and device, filled with a number.
    fn try_full_like(self: &Self)()(value) = atg_full_like;
}

/// Returns a tensor filled with a number.
///
/// # Errors
/// Returns [`TchError`] if the device is unavailable or out of memory, or the kind cannot represent the number.
pub fn full(size: impl AsRef<[i64]>, value: impl Into<Number>, options: (Kind, Device)) -> Result<Tensor, TchError> {
    Tensor::f_empty(size.as_ref(), options)?.try_fill_(value)
}

/// Clamps floating-point entries to a range. The backward pass takes one kernel, where that of `clamp` takes four.
///
/// Unlike with `clamp`, the gradient is 0 at the bounds.
///
/// # Errors
/// Returns [`TchError`] if libtorch does not support the kind.
pub fn limit(tensor: &Tensor, least: f64, greatest: f64) -> Result<Tensor, TchError> {
    let mut limited = std::ptr::null_mut();
    // SAFETY: the tensor outlives the call, which writes a new tensor to `limited` or returns a message.
    unsafe { ffi::checked(ffi::booster_limit(tensor.as_ptr(), least, greatest, &raw mut limited))? };
    // SAFETY: on success, `limited` is a new tensor without another owner.
    Ok(unsafe { Tensor::from_ptr(limited) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[f32]) -> Tensor {
        Tensor::from_slice(values)
    }

    #[test]
    fn each_method_calls_the_operation_of_its_name() {
        let x = floats(&[1.0, -2.0, 4.0]);
        let same = |result: Result<Tensor, TchError>, expected: &[f32]| assert_eq!(result.unwrap(), floats(expected));
        same(x.try_add_scalar(1.0), &[2.0, -1.0, 5.0]);
        same(x.try_sub_scalar(1), &[0.0, -3.0, 3.0]);
        same(x.try_mul_scalar(2.0), &[2.0, -4.0, 8.0]);
        same(x.try_div_scalar(2), &[0.5, -1.0, 2.0]);
        same(x.copy().try_div_scalar_(2.0), &[0.5, -1.0, 2.0]);
        same(x.try_pow_tensor_scalar(2), &[1.0, 4.0, 16.0]);
        same(x.try_clamp(-1.0, 2.0), &[1.0, -1.0, 2.0]);
        same(x.copy().try_clamp_(-1.0, 2.0), &[1.0, -1.0, 2.0]);
        same(x.try_clamp_max(2.0), &[1.0, -2.0, 2.0]);
        same(x.try_clamp_min(2.0), &[2.0, 2.0, 4.0]);
        same(x.try_threshold(1.0, -7.0), &[-7.0, -7.0, 4.0]);
        same(x.copy().try_fill_(7), &[7.0, 7.0, 7.0]);
        same(x.try_full_like(7.0), &[7.0, 7.0, 7.0]);
        same(x.try_masked_fill(&x.gt(0), 0.0), &[0.0, -2.0, 0.0]);
        same(x.copy().try_lerp_(&x.zeros_like(), 0.5), &[0.5, -1.0, 2.0]);
        let bools = |result: Result<Tensor, TchError>, expected: &[bool]| {
            assert_eq!(result.unwrap(), Tensor::from_slice(expected));
        };
        bools(x.try_eq(4), &[false, false, true]);
        bools(x.try_ne(4.0), &[true, true, false]);
        bools(x.try_lt(1), &[false, true, false]);
        bools(x.try_le(1), &[true, true, false]);
        bools(x.try_gt(1), &[false, false, true]);
        bools(x.try_ge(1), &[true, false, true]);
    }

    #[test]
    fn a_float_promotes_an_integer_tensor() {
        let whole = Tensor::from_slice(&[1i64, 2]);
        assert_eq!(whole.try_add_scalar(1).unwrap().kind(), Kind::Int64);
        assert_eq!(whole.try_add_scalar(1.0).unwrap().kind(), Kind::Float);
    }

    #[test]
    fn clamped_entries_have_no_gradient() {
        let x = floats(&[f32::NEG_INFINITY, -2.0, 0.5, f32::INFINITY, f32::NAN]).set_requires_grad(true);
        let limited = limit(&x, -1.0, 2.0).unwrap();
        assert_eq!(Vec::<f32>::try_from(&limited.narrow(0, 0, 4)).unwrap(), [-1.0, -1.0, 0.5, 2.0]);
        assert!(limited.double_value(&[4]).is_nan());
        let slopes = Tensor::run_backward(&[limited.sum(Kind::Float)], &[&x], false, false).remove(0);
        assert_eq!(Vec::<f32>::try_from(slopes).unwrap(), [0.0, 0.0, 1.0, 0.0, 1.0]);
        assert!(limit(&x.to_kind(Kind::Bool), 0.0, 1.0).is_err() && limit(&Tensor::new(), 0.0, 1.0).is_err());
    }

    #[test]
    fn a_failed_operation_leaves_no_pending_error() {
        let complex = floats(&[1.0]).to_kind(Kind::ComplexFloat);
        let message = complex.try_clamp(0.0, 1.0).unwrap_err().to_string();
        assert!(message.contains("not supported for complex"), "{message}");
        assert!(floats(&[1.0, 2.0]).try_masked_fill(&Tensor::from_slice(&[true; 3]), 0.0).is_err());
        assert!(Tensor::from_slice(&[true]).try_sub_scalar(1.0).is_err());
        assert!(Tensor::new().try_add_scalar(1.0).is_err());
        assert!(full([1 << 60], 0.0, (Kind::Double, Device::Cpu)).is_err());
        assert!(floats(&[1.0]).f_add(&floats(&[2.0])).is_ok());
    }
}
