//! Which tensors are one, which share their memory, and how often it was written.

use tch::Tensor;

use crate::ffi;

/// Whether two handles are of one tensor: what is done to one, a change of its memory included, is done to the other.
pub fn is_same(one: &Tensor, other: &Tensor) -> bool {
    // SAFETY: both are live tensors, and neither is kept.
    unsafe { ffi::booster_is_same(one.as_ptr(), other.as_ptr()) != 0 }
}

/// Returns a number that all handles of one tensor have in common, and no other tensor while that one lives.
pub fn identity(tensor: &Tensor) -> usize {
    // SAFETY: it is a live tensor that is not kept.
    unsafe { ffi::booster_identity(tensor.as_ptr()) }
}

/// How many tensors have their values in the memory of this one, itself included: more than one where it has views.
pub fn sharers(tensor: &Tensor) -> usize {
    // SAFETY: it is a live tensor that is not kept.
    unsafe { ffi::booster_sharers(tensor.as_ptr()) }
}

/// How often a tensor's memory was written in place, by whatever view of it.
///
/// Returns `None` for a tensor without values and for one that was made in libtorch's inference mode, which has no such count.
pub fn version(tensor: &Tensor) -> Option<u64> {
    // SAFETY: it is a live tensor that is not kept.
    u64::try_from(unsafe { ffi::booster_version(tensor.as_ptr()) }).ok()
}

/// The memory that a tensor's values are in, which views share, as an opaque number; `None` for a tensor without memory
/// of its own, such as a sparse one.
pub fn storage(tensor: &Tensor) -> Option<usize> {
    // SAFETY: it is a live tensor that is not kept.
    Some(unsafe { ffi::booster_storage(tensor.as_ptr()) }).filter(|&address| address != 0)
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
        assert_eq!(identity(&tensor), identity(&tensor.shallow_clone()));
        assert_ne!(identity(&tensor), identity(&tensor.detach()));
        assert_eq!(sharers(&tensor), 1);
        let view = tensor.tr();
        assert_eq!((sharers(&tensor), sharers(&view)), (2, 2));
        assert_eq!(storage(&tensor), storage(&view));
        assert!(storage(&tensor) != storage(&tensor.copy()));
        assert_eq!(storage(&tensor.to_sparse(None, None::<&[i64]>, None)), None);
        drop(view);
        assert_eq!(sharers(&tensor), 1);
    }

    #[test]
    fn a_version_counts_the_writes_by_all_views() {
        let mut tensor = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        let (mut view, detached) = (tensor.select(0, 1), tensor.detach());
        assert_eq!(version(&tensor), Some(0));
        tensor += 1.0;
        let _ = view.fill_(3.0);
        assert_eq!([version(&tensor), version(&view), version(&detached)], [Some(2); 3]);
        assert_eq!(version(&Tensor::new()), None);
    }
}
