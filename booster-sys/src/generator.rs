//! The default generator of random numbers of each device.
//!
//! The one of the CPU is the whole process's: all threads draw from it.

use tch::{Device, Kind, TchError, Tensor};

use crate::ffi;

/// The state of a device's generator, a tensor of bytes. It does not wait for the device.
///
/// # Errors
/// Where the device is not there.
pub fn state(device: Device) -> Result<Tensor, TchError> {
    let beside = tensor_on(device)?;
    let mut state = std::ptr::null_mut();
    // SAFETY: `beside` is a live tensor; where there is no message, `state` is one that nobody else owns.
    unsafe {
        ffi::checked(ffi::booster_generator_state(beside.as_ptr(), &raw mut state))?;
        Ok(Tensor::from_ptr(state))
    }
}

/// Puts a device's generator into a state that [`state`] gave for a device of the same type.
///
/// # Errors
/// Where the device is not there, or the tensor is no state.
pub fn set_state(device: Device, state: &Tensor) -> Result<(), TchError> {
    let beside = tensor_on(device)?;
    // SAFETY: both are live tensors, and neither is kept.
    unsafe { ffi::checked(ffi::booster_set_generator_state(beside.as_ptr(), state.as_ptr())) }
}

/// Seeds one device's generator; [`tch::manual_seed`] gives the same seed to all.
///
/// # Errors
/// Where the device is not there.
pub fn seed(device: Device, seed: u64) -> Result<(), TchError> {
    let beside = tensor_on(device)?;
    // SAFETY: `beside` is a live tensor and is not kept.
    unsafe { ffi::checked(ffi::booster_seed_generator(beside.as_ptr(), seed)) }
}

/// An empty tensor that tells the C++ which device is meant.
fn tensor_on(device: Device) -> Result<Tensor, TchError> {
    Tensor::f_empty([0], (Kind::Uint8, device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_put_back_repeats_what_was_drawn() {
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
    fn what_is_no_state_is_an_error() {
        let error = set_state(Device::Cpu, &Tensor::from(1.0)).unwrap_err().to_string();
        assert!(error.contains("RNG state must be a torch.ByteTensor"), "{error}");
    }
}
