//! Tensor identity, shared storage and version counters.

use tch::Tensor;

use crate::ffi;

/// Returns whether two handles refer to the same tensor, rather than to two tensors with the same storage.
pub fn is_same(one: &Tensor, other: &Tensor) -> bool {
    // SAFETY: both tensors are live, and the call does not retain them.
    unsafe { ffi::booster_is_same(one.as_ptr(), other.as_ptr()) != 0 }
}

/// Returns a number that identifies a tensor among all live tensors and is the same for all its handles.
pub fn identity(tensor: &Tensor) -> usize {
    // SAFETY: the tensor is live, and the call does not retain it.
    unsafe { ffi::booster_identity(tensor.as_ptr()) }
}

/// Returns the number of tensors that share this tensor's storage, including itself.
pub fn sharers(tensor: &Tensor) -> usize {
    // SAFETY: the tensor is live, and the call does not retain it.
    unsafe { ffi::booster_sharers(tensor.as_ptr()) }
}

/// Returns the version counter of a tensor: the number of in-place writes to it and its views.
///
/// Returns `None` for an undefined tensor, and for a tensor created in libtorch's inference mode, which has no counter.
pub fn version(tensor: &Tensor) -> Option<u64> {
    // SAFETY: the tensor is live, and the call does not retain it.
    u64::try_from(unsafe { ffi::booster_version(tensor.as_ptr()) }).ok()
}

/// Returns an opaque identifier of a tensor's storage, which its views share.
///
/// Returns `None` for a tensor without a storage, such as a sparse one.
pub fn storage(tensor: &Tensor) -> Option<usize> {
    // SAFETY: the tensor is live, and the call does not retain it.
    Some(unsafe { ffi::booster_storage(tensor.as_ptr()) }).filter(|&address| address != 0)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn handles_are_the_same_tensor_and_views_are_not() {
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
    fn a_version_counts_writes_through_all_views() {
        let mut tensor = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        let (mut view, detached) = (tensor.select(0, 1), tensor.detach());
        assert_eq!(version(&tensor), Some(0));
        tensor += 1.0;
        let _ = view.fill_(3.0);
        assert_eq!([version(&tensor), version(&view), version(&detached)], [Some(2); 3]);
        assert_eq!(version(&Tensor::new()), None);
    }
}
