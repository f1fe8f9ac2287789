//! Which tensors are one, and which share their memory.

use tch::Tensor;

use crate::ffi;

/// Whether two handles are of one tensor: what is done to one, a change of its memory included, is done to the other.
pub fn is_same(one: &Tensor, other: &Tensor) -> bool {
    // SAFETY: both are live tensors, and neither is kept.
    unsafe { ffi::booster_is_same(one.as_ptr(), other.as_ptr()) != 0 }
}

/// How many tensors have their values in the memory of this one, itself included: more than one where it has views.
pub fn sharers(tensor: &Tensor) -> usize {
    // SAFETY: it is a live tensor that is not kept.
    unsafe { ffi::booster_sharers(tensor.as_ptr()) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn handles_are_one_tensor_and_views_are_not() {
        let tensor = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        assert!(is_same(&tensor, &tensor.shallow_clone()));
        assert!(!is_same(&tensor, &tensor.detach()) && !is_same(&tensor, &tensor.copy()));
        assert_eq!(sharers(&tensor), 1);
        let view = tensor.tr();
        assert_eq!((sharers(&tensor), sharers(&view)), (2, 2));
        drop(view);
        assert_eq!(sharers(&tensor), 1);
    }
}
