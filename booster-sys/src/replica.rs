//! Routing of gradients from one variable to another, such as from a replica's variable to the master's.

use tch::{TchError, Tensor};

use crate::ffi;

/// Routes the gradients of `variable` to `target`, if `target` requires a gradient.
///
/// Set `copies` to convert gradients to the device and kind of `target`. This is required unless the two variables
/// share memory.
///
/// # Errors
/// Returns [`TchError`] if `target` cannot accumulate a gradient.
pub fn route_gradient(variable: &Tensor, target: &Tensor, copies: bool) -> Result<(), TchError> {
    // SAFETY: both tensors are live; the retained graph edge is reference-counted.
    unsafe { ffi::checked(ffi::booster_route_gradient(variable.as_ptr(), target.as_ptr(), copies.into())) }
}

/// Turns a variable back into a leaf that accumulates its own gradient.
///
/// # Errors
/// Returns [`TchError`] if the libtorch operation fails.
pub fn make_leaf(variable: &Tensor) -> Result<(), TchError> {
    // SAFETY: `variable` is a live tensor; a null target is allowed.
    unsafe { ffi::checked(ffi::booster_route_gradient(variable.as_ptr(), std::ptr::null(), 0)) }
}

/// Turns a leaf that is a view into an independent variable on the same storage, and releases its base.
///
/// # Errors
/// Returns [`TchError`] if the libtorch operation fails.
pub fn forget_base(variable: &Tensor) -> Result<(), TchError> {
    // SAFETY: the tensor is live, and the call does not retain it.
    unsafe { ffi::checked(ffi::booster_forget_base(variable.as_ptr())) }
}

/// Increments the version counter of a tensor, so that backward fails on graphs that saved its values.
///
/// # Errors
/// Returns [`TchError`] if the libtorch operation fails.
pub fn bump_version(tensor: &Tensor) -> Result<(), TchError> {
    // SAFETY: the tensor is live, and the call does not retain it.
    unsafe { ffi::checked(ffi::booster_bump_version(tensor.as_ptr())) }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::identity::sharers;

    #[test]
    fn gradients_reach_the_target() {
        for copies in [false, true] {
            let target = Tensor::from_slice(&[2.0f32, 3.0]).set_requires_grad(true);
            let variable = Tensor::from_slice(&[2.0f32, 3.0]).set_requires_grad(true);
            route_gradient(&variable, &target, copies).unwrap();
            assert!(!variable.is_leaf());
            (&variable * &variable).sum(Kind::Float).backward();
            assert_eq!(target.grad(), Tensor::from_slice(&[4.0f32, 6.0]));
            make_leaf(&variable).unwrap();
            (&variable * 3.0).sum(Kind::Float).backward();
            assert_eq!(variable.grad(), Tensor::from_slice(&[3.0f32, 3.0]));
            assert_eq!(target.grad(), Tensor::from_slice(&[4.0f32, 6.0]));
        }
    }

    #[test]
    fn a_view_becomes_an_independent_variable() {
        let base = Tensor::from_slice(&[2.0f32, 3.0]);
        let view = base.view([2, 1]);
        let variable = view.shallow_clone().set_requires_grad(true);
        forget_base(&view).unwrap();
        assert_eq!((view.data_ptr(), view.is_leaf(), view.requires_grad()), (base.data_ptr(), true, true));
        (&variable * &variable).sum(Kind::Float).backward();
        assert_eq!(view.grad(), Tensor::from_slice(&[4.0f32, 6.0]).view([2, 1]));
        drop(base);
        assert_eq!(sharers(&view), 1);
        // A tensor that is not a leaf keeps its graph.
        let part = variable.narrow(0, 0, 1);
        forget_base(&part).unwrap();
        assert!(!part.is_leaf());
    }

    #[test]
    fn backward_fails_after_a_version_bump() {
        let variable = Tensor::from_slice(&[2.0f32]).set_requires_grad(true);
        let square = &variable * &variable;
        bump_version(&variable).unwrap();
        assert!(square.f_backward().is_err());
    }
}
