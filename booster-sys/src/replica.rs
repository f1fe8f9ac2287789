//! Variables that stand for another one, as those of a replica do for the master's.

use tch::{TchError, Tensor};

use crate::ffi;

/// Sends the gradients of what is computed from `variable` to `target`, if that requires one. Where the two are not one
/// memory, `copies` says so: gradients are converted on the way.
///
/// # Errors
/// Returns an error if `target` has no place for a gradient.
pub fn route_gradient(variable: &Tensor, target: &Tensor, copies: bool) -> Result<(), TchError> {
    // SAFETY: both are live tensors; what is kept of them is counted by libtorch.
    unsafe { ffi::checked(ffi::booster_route_gradient(variable.as_ptr(), target.as_ptr(), copies.into())) }
}

/// Makes a variable a leaf again, which collects its own gradient if it requires one.
///
/// # Errors
/// Returns an error if libtorch refuses.
pub fn make_leaf(variable: &Tensor) -> Result<(), TchError> {
    // SAFETY: `variable` is a live tensor; without a target nothing is read of it.
    unsafe { ffi::checked(ffi::booster_route_gradient(variable.as_ptr(), std::ptr::null(), 0)) }
}

/// Makes a leaf that is a view a variable of its own, in the memory that it has. It lets go of what it was a view of.
///
/// # Errors
/// Returns an error if libtorch refuses.
pub fn forget_base(variable: &Tensor) -> Result<(), TchError> {
    // SAFETY: it is a live tensor that is not kept.
    unsafe { ffi::checked(ffi::booster_forget_base(variable.as_ptr())) }
}

/// Counts a write to a tensor: a graph that was recorded with its values is refused in backward.
///
/// # Errors
/// Returns an error if libtorch refuses.
pub fn bump_version(tensor: &Tensor) -> Result<(), TchError> {
    // SAFETY: it is a live tensor that is not kept.
    unsafe { ffi::checked(ffi::booster_bump_version(tensor.as_ptr())) }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;
    use crate::identity::sharers;

    #[test]
    fn gradients_get_to_the_target() {
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
    fn a_view_becomes_a_variable_of_its_own() {
        let base = Tensor::from_slice(&[2.0f32, 3.0]);
        let view = base.view([2, 1]);
        let variable = view.shallow_clone().set_requires_grad(true);
        forget_base(&view).unwrap();
        assert_eq!((view.data_ptr(), view.is_leaf(), view.requires_grad()), (base.data_ptr(), true, true));
        (&variable * &variable).sum(Kind::Float).backward();
        assert_eq!(view.grad(), Tensor::from_slice(&[4.0f32, 6.0]).view([2, 1]));
        drop(base);
        assert_eq!(sharers(&view), 1);
        // What has a graph keeps it.
        let part = variable.narrow(0, 0, 1);
        forget_base(&part).unwrap();
        assert!(!part.is_leaf());
    }

    #[test]
    fn a_graph_is_refused_after_a_counted_write() {
        let variable = Tensor::from_slice(&[2.0f32]).set_requires_grad(true);
        let square = &variable * &variable;
        bump_version(&variable).unwrap();
        assert!(square.f_backward().is_err());
    }
}
