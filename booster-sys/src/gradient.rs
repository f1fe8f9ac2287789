//! Gradients of variables, and gradient recording.

use tch::{TchError, Tensor};

use crate::ffi;

/// Returns whether operations on this thread record a graph: `false` within [`tch::no_grad`].
pub fn is_enabled() -> bool {
    // SAFETY: the call reads a thread-local flag.
    unsafe { ffi::booster_is_grad_enabled() != 0 }
}

/// Sets whether operations on this thread record a graph.
pub fn set_enabled(enabled: bool) {
    // SAFETY: the call writes a thread-local flag.
    unsafe { ffi::booster_set_grad_enabled(enabled.into()) }
}

/// Sets or clears the gradient of a variable.
///
/// # Errors
/// Returns [`TchError`] if the shape, kind or device of the gradient differs from the variable's.
pub fn set(variable: &mut Tensor, gradient: Option<&Tensor>) -> Result<(), TchError> {
    if let Some(gradient) = gradient {
        let (expected, found) = (variable.size(), gradient.size());
        if expected != found || variable.kind() != gradient.kind() || variable.device() != gradient.device() {
            return Err(TchError::Torch(format!(
                "expected a gradient of shape {expected:?}, {:?}, {:?}, got shape {found:?}, {:?}, {:?}",
                variable.kind(),
                variable.device(),
                gradient.kind(),
                gradient.device(),
            )));
        }
    }
    let gradient = gradient.map_or(std::ptr::null(), Tensor::as_ptr);
    // SAFETY: `variable` is a live tensor that is borrowed mutably; `gradient` is a live tensor or null.
    unsafe { ffi::checked(ffi::booster_set_gradient(variable.as_mut_ptr(), gradient)) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn a_gradient_is_set_and_cleared() {
        let mut variable = Tensor::zeros([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        set(&mut variable, Some(&Tensor::from_slice(&[1.0f32, 2.0]))).unwrap();
        (&variable * 3.0).sum(Kind::Float).backward();
        assert_eq!(Vec::<f32>::try_from(variable.grad()).unwrap(), [4.0, 5.0]);
        set(&mut variable, None).unwrap();
        assert!(!variable.grad().defined());
    }

    #[test]
    fn a_gradient_of_another_shape_is_refused() {
        let mut variable = Tensor::zeros([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let error = set(&mut variable, Some(&Tensor::from_slice(&[1.0f32]))).unwrap_err().to_string();
        assert!(error.contains("got shape [1]"), "{error}");
    }

    #[test]
    fn recording_can_be_turned_off() {
        assert!(is_enabled());
        assert!(!tch::no_grad(is_enabled));
        set_enabled(false);
        assert!(!is_enabled());
        set_enabled(true);
        assert!(is_enabled());
    }
}
