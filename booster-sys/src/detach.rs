//! Tensors that stay what they are.

use tch::{TchError, Tensor};

use crate::ffi;

/// Has handles refer to tensors without a graph, in memory that nothing outside of the list can write to.
///
/// A tensor is copied where another handle of it, a view, or what a graph keeps for its backward pass is in its memory;
/// else no values are moved.
///
/// # Errors
/// Returns libtorch's message if there is no memory for a copy. Handles are of the same values then, some with a graph.
pub fn detach(tensors: &mut [&mut Tensor]) -> Result<(), TchError> {
    let pointers: Vec<_> = tensors.iter_mut().map(|tensor| tensor.as_mut_ptr()).collect();
    // SAFETY: all are live handles that are borrowed alone, and none is kept.
    unsafe { ffi::checked(ffi::booster_detach(pointers.as_ptr(), pointers.len())) }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::identity::storage;

    #[test]
    fn what_nobody_else_reaches_loses_its_graph_alone() {
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
    fn what_others_reach_is_copied() {
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
}
