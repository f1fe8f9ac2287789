//! The default random number generator of each device.
//!
//! All threads share the CPU generator.

use tch::{Device, Kind, TchError, Tensor};

use crate::ffi;

/// Returns the state of a device's generator as a byte tensor, without synchronizing the device.
///
/// # Errors
/// Returns [`TchError`] if the device is unavailable.
pub fn state(device: Device) -> Result<Tensor, TchError> {
    let beside = tensor_on(device)?;
    let mut state = std::ptr::null_mut();
    // SAFETY: `beside` is a live tensor; on success, `state` is a new tensor that is ours to own.
    unsafe {
        ffi::checked(ffi::booster_generator_state(beside.as_ptr(), &raw mut state))?;
        Ok(Tensor::from_ptr(state))
    }
}

/// Restores a state returned by [`state`] for a device of the same type.
///
/// # Errors
/// Returns [`TchError`] if the device is unavailable or the tensor is not a generator state.
pub fn set_state(device: Device, state: &Tensor) -> Result<(), TchError> {
    let beside = tensor_on(device)?;
    // SAFETY: both tensors are live, and the call does not retain them.
    unsafe { ffi::checked(ffi::booster_set_generator_state(beside.as_ptr(), state.as_ptr())) }
}

/// Seeds the generator of one device; [`tch::manual_seed`] seeds all devices.
///
/// # Errors
/// Returns [`TchError`] if the device is unavailable.
pub fn seed(device: Device, seed: u64) -> Result<(), TchError> {
    let beside = tensor_on(device)?;
    // SAFETY: `beside` is a live tensor that the call does not retain.
    unsafe { ffi::checked(ffi::booster_seed_generator(beside.as_ptr(), seed)) }
}

/// Returns an empty tensor on `device`, which tells the C++ code which device to use.
fn tensor_on(device: Device) -> Result<Tensor, TchError> {
    Tensor::f_empty([0], (Kind::Uint8, device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restored_state_repeats_its_draws() {
        let draw = || Vec::<f32>::try_from(Tensor::rand([5], (Kind::Float, Device::Cpu))).unwrap();
        let before = state(Device::Cpu).unwrap();
        let first = draw();
        assert!(!before.equal(&state(Device::Cpu).unwrap()));
        set_state(Device::Cpu, &before).unwrap();
        assert_eq!(draw(), first);
        seed(Device::Cpu, 3).unwrap();
        let seeded = draw();
        tch::manual_seed(3);
        assert_eq!(draw(), seeded);
    }

    #[test]
    fn an_invalid_state_is_an_error() {
        let error = set_state(Device::Cpu, &Tensor::from(1.0)).unwrap_err().to_string();
        assert!(error.contains("RNG state must be a torch.ByteTensor"), "{error}");
    }
}
