//! The device to train on.

use tch::{Device, utils};

/// The fastest device of this machine that libtorch can use: the first CUDA device, or else Apple's GPU (MPS), or else
/// the CPU.
///
/// ```
/// use booster::functional::available_device;
/// use booster::tch::{Kind, Tensor};
///
/// let here = Tensor::zeros([2], (Kind::Float, available_device()));
/// assert_eq!(here.device(), available_device());
/// ```
pub fn available_device() -> Device {
    match Device::cuda_if_available() {
        Device::Cpu if utils::has_mps() => Device::Mps,
        device => device,
    }
}
