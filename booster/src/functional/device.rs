//! Selection of the device to train on.

use booster_sys::accelerator::{Accelerator, accelerator};
use tch::{Cuda, Device, utils};

/// Returns the fastest available device: the first CUDA device, else Apple's GPU (MPS), else the CPU.
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

/// Returns why libtorch finds no CUDA device, or `None` if it finds one.
///
/// ```
/// use booster::functional::{available_device, why_no_cuda};
///
/// if let Some(reason) = why_no_cuda() {
///     println!("training on {:?}: {reason}", available_device());
/// }
/// ```
pub fn why_no_cuda() -> Option<String> {
    if Cuda::is_available() {
        return None;
    }
    Some(match accelerator() {
        Accelerator::Absent => "this libtorch is a build without CUDA".to_owned(),
        Accelerator::Loaded => "libtorch finds no CUDA device, or no driver for it".to_owned(),
        Accelerator::Failed(reason) => format!("libtorch's CUDA library cannot be loaded: {reason}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_has_a_reason() {
        assert_eq!(why_no_cuda().is_none(), Cuda::is_available());
        if accelerator() == Accelerator::Absent {
            assert_eq!(why_no_cuda().as_deref(), Some("this libtorch is a build without CUDA"));
        }
    }
}
