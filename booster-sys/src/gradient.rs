//! Gradients as values, and whether they are recorded.

use tch::{TchError, Tensor};

use crate::ffi;

/// Whether operations on this thread record a graph: `false` under [`tch::no_grad`].
pub fn is_enabled() -> bool {
    // SAFETY: it reads a flag of this thread.
    unsafe { ffi::booster_is_grad_enabled() != 0 }
}

/// Has operations on this thread record a graph or not, until it is called again.
pub fn set_enabled(enabled: bool) {
    // SAFETY: it writes a flag of this thread.
    unsafe { ffi::booster_set_grad_enabled(enabled.into()) }
}

/// Gives a variable a gradient, or takes it away.
///
/// # Errors
/// Where the gradient's shape, kind or device is not the variable's.
pub fn set(variable: &mut Tensor, gradient: Option<&Tensor>) -> Result<(), TchError> {
    if let Some(gradient) = gradient {
        let (expected, found) = (variable.size(), gradient.size());
        if expected != found || variable.kind() != gradient.kind() || variable.device() != gradient.device() {
            return Err(TchError::Torch(format!(
                "a gradient of shape {found:?}, {:?}, {:?} is none of a variable of shape {expected:?}, {:?}, {:?}",
                gradient.kind(),
                gradient.device(),
                variable.kind(),
                variable.device(),
            )));
        }
    }
    let gradient = gradient.map_or(std::ptr::null(), Tensor::as_ptr);
    // SAFETY: `variable` is a live tensor that is borrowed for this call alone, `gradient` is one or null.
    unsafe { ffi::checked(ffi::booster_set_gradient(variable.as_mut_ptr(), gradient)) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn a_gradient_is_given_and_taken_away() {
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
        assert!(error.contains("a gradient of shape [1]"), "{error}");
    }

    #[test]
    fn whether_gradients_are_recorded_is_known() {
        assert!(is_enabled());
        assert!(!tch::no_grad(is_enabled));
        set_enabled(false);
        assert!(!is_enabled());
        set_enabled(true);
        assert!(is_enabled());
    }
}
