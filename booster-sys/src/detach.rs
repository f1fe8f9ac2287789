//! Detachment of tensors from their graphs and from shared storage.

use tch::{TchError, Tensor};

use crate::ffi;

/// Detaches tensors from their graphs and from storage shared with tensors outside the list.
///
/// Copies a tensor only if a handle, view or tensor saved for a backward pass outside the list shares its storage.
///
/// # Errors
/// Returns [`TchError`] if allocating a copy fails. The values are then unchanged, but some tensors may still have a
/// graph or shared storage.
pub fn detach(tensors: &mut [&mut Tensor]) -> Result<(), TchError> {
    let pointers: Vec<_> = tensors.iter_mut().map(|tensor| tensor.as_mut_ptr()).collect();
    // SAFETY: the handles are live and exclusively borrowed, and the call does not retain them.
    unsafe { ffi::checked(ffi::booster_detach(pointers.as_ptr(), pointers.len())) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::identity::storage;

    #[test]
    fn an_unshared_tensor_is_detached_without_a_copy() {
        let parameter = Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let mut product = &parameter * 2.0;
        let mut view = (&parameter * 3.0).narrow(0, 0, 2);
        let loss = product.sum(Kind::Float) + view.sum(Kind::Float);
        let memory = (storage(&product), storage(&view));
        detach(&mut [&mut product, &mut view]).unwrap();
        assert_eq!((storage(&product), storage(&view)), memory);
        assert!(!product.requires_grad() && !view.requires_grad());
        loss.backward();
        assert_eq!(parameter.grad(), Tensor::from_slice(&[5f32, 5.0, 2.0]));
    }

    #[test]
    fn a_shared_tensor_is_copied() {
        let mut parameter = Tensor::ones([3], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let (mut handle, mut exponential) = (parameter.shallow_clone(), parameter.exp());
        let (loss, same) = (exponential.sum(Kind::Float), exponential.shallow_clone());
        let mut undefined = Tensor::new();
        detach(&mut [&mut handle, &mut exponential, &mut undefined]).unwrap();
        assert!(!handle.requires_grad() && !exponential.requires_grad());
        assert!(parameter.requires_grad() && same.requires_grad() && !undefined.defined());
        let _ = exponential.zero_();
        loss.backward();
        tch::no_grad(|| parameter += 1.0);
        assert_eq!(handle, Tensor::from_slice(&[1f32; 3]));
        assert_eq!(parameter.grad(), Tensor::from_slice(&[1f32.exp(); 3]));
    }

    /// Detaches tensors and returns, for each, whether it was copied.
    fn copied<const COUNT: usize>(mut tensors: [&mut Tensor; COUNT]) -> [bool; COUNT] {
        let memory = tensors.each_ref().map(|tensor| storage(tensor));
        detach(&mut tensors).unwrap();
        std::array::from_fn(|index| storage(tensors[index]) != memory[index])
    }

    /// Returns a tensor, another handle to it, and a view of it.
    fn three() -> [Tensor; 3] {
        let tensor = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        let (handle, view) = (tensor.shallow_clone(), tensor.tr());
        [tensor, handle, view]
    }

    #[test]
    fn sharing_within_the_list_needs_no_copy() {
        let mut alone = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        assert_eq!(copied([&mut alone]), [false]);
        let [mut tensor, _handle, _view] = three();
        assert_eq!(copied([&mut tensor]), [true]);
        let [mut tensor, mut handle, _view] = three();
        assert_eq!(copied([&mut tensor, &mut handle]), [true; 2]);
        let [mut tensor, _handle, mut view] = three();
        assert_eq!(copied([&mut tensor, &mut view]), [true; 2]);
        let [mut tensor, mut handle, mut view] = three();
        assert_eq!(copied([&mut view, &mut tensor, &mut handle]), [false; 3]);
        let [mut tensor, handle, mut view] = three();
        drop(handle);
        assert_eq!(copied([&mut tensor, &mut view]), [false; 2]);
        drop(tensor);
        assert_eq!(copied([&mut view, &mut Tensor::new()]), [false; 2]);
    }

    #[test]
    fn an_output_saved_for_backward_is_copied() {
        let parameter = Tensor::zeros([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let exponential = parameter.exp();
        let mut detached = exponential.detach();
        drop(exponential);
        assert_eq!(copied([&mut detached]), [false]);
        assert_eq!(copied([&mut parameter.detach()]), [true]);
        let exponential = parameter.exp();
        assert_eq!(copied([&mut exponential.detach()]), [true]);
    }
}
