//! Transfers between devices and the host: each one goes through here and is counted.

use std::sync::atomic::{AtomicU64, Ordering};

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

static HOST_READS: AtomicU64 = AtomicU64::new(0);
static UPLOADS: AtomicU64 = AtomicU64::new(0);

/// How many times booster has read a tensor's values back to the host, in this process.
///
/// Each read waits for the device. Between two summaries booster makes none (on MPS, which has no doubles, one for
/// each 256 updates of an aggregator); a summary makes one per device.
///
/// ```
/// let before = booster::transfers::host_reads();
/// // training steps ...
/// assert_eq!(booster::transfers::host_reads(), before);
/// ```
pub fn host_reads() -> u64 {
    HOST_READS.load(Ordering::Relaxed)
}

/// How many times booster has sent values from the host to a device, in this process.
///
/// A step sends the tensors of its batch; an aggregator sends a few numbers each time that it reduces what has waited,
/// however many updates that are.
pub fn uploads() -> u64 {
    UPLOADS.load(Ordering::Relaxed)
}

pub(crate) fn count_read() {
    count(&HOST_READS);
}

pub(crate) fn count_upload() {
    count(&UPLOADS);
}

fn count(transfers: &AtomicU64) {
    transfers.fetch_add(1, Ordering::Relaxed);
    #[cfg(test)]
    simulated::count(std::ptr::eq(transfers, &raw const UPLOADS));
}

/// Whether values on a device can be looked at without waiting for it.
pub(crate) fn is_on_host(device: Device) -> bool {
    device == Device::Cpu && !simulated::is_device()
}

/// Whether a device has doubles.
pub(crate) fn has_doubles(device: Device) -> bool {
    matches!(device, Device::Cpu | Device::Cuda(_)) && !simulated::is_without_doubles()
}

/// Whether two tensors on the host are equal.
#[expect(clippy::disallowed_methods, reason = "the values are on the host already")]
pub(crate) fn equal_on_host(one: &Tensor, other: &Tensor) -> Result<bool> {
    debug_assert!(one.device() == Device::Cpu && other.device() == Device::Cpu);
    Ok(one.f_equal(other)?)
}

/// Numbers as a tensor on a device, `[n]`, doubles. Nothing waits: CUDA copies them from pinned memory.
#[expect(clippy::disallowed_methods, reason = "it is counted")]
pub(crate) fn upload(numbers: &[f64], device: Device) -> Result<Tensor> {
    let tensor = Tensor::f_from_slice(numbers)?;
    if is_on_host(device) {
        return Ok(tensor);
    }
    count_upload();
    let tensor = if device.is_cuda() { tensor.f_pin_memory(device)? } else { tensor };
    Ok(tensor.f_to_device_(device, Kind::Double, device.is_cuda(), false)?)
}

/// The sum of the values of a tensor on the host, each as a double, and whether all of them are finite. That is no read:
/// there is no device to wait for.
pub(crate) fn sum_on_host(tensor: &Tensor) -> Result<(f64, bool)> {
    debug_assert_eq!(tensor.device(), Device::Cpu);
    Ok(booster_sys::sum::sum_on_host(tensor)?)
}

/// Reads a 1-dimensional tensor of doubles, waiting for its device.
#[expect(clippy::disallowed_methods, reason = "it is counted")]
pub(crate) fn read(tensor: &Tensor) -> Result<Vec<f64>> {
    debug_assert_eq!((tensor.dim(), tensor.kind()), (1, Kind::Double));
    count_read();
    let on_host = tensor.f_to_device_(Device::Cpu, Kind::Double, false, false)?;
    let mut numbers = vec![0.0; on_host.numel()];
    let count = numbers.len();
    on_host.f_copy_data(&mut numbers, count)?;
    Ok(numbers)
}

/// Reads a tensor of bytes in row-major order, waiting for its device.
#[expect(clippy::disallowed_methods, reason = "it is counted")]
pub(crate) fn read_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    debug_assert_eq!(tensor.kind(), Kind::Uint8);
    count_read();
    let on_host = tensor.f_to_device_(Device::Cpu, Kind::Uint8, false, false)?;
    let mut bytes = vec![0; on_host.numel()];
    let count = bytes.len();
    on_host.f_copy_data(&mut bytes, count)?;
    Ok(bytes)
}

/// Tensors of one device on the host, whatever their kinds and shapes, by one read.
pub(crate) fn fetch(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    let bytes = |tensor: &&Tensor| Ok(tensor.f_contiguous()?.f_reshape([-1])?.f_view_dtype(Kind::Uint8)?);
    let flat = tensors.iter().map(bytes).collect::<Result<Vec<_>>>()?;
    let on_host = read_bytes(&Tensor::f_cat(&flat, 0)?)?;
    let mut rest = on_host.as_slice();
    let parts = tensors.iter().zip(flat).map(|(tensor, flat)| {
        let (own, others) = rest.split_at(flat.numel());
        rest = others;
        Ok(Tensor::f_from_data_size(own, &tensor.size(), tensor.f_kind()?)?)
    });
    parts.collect::<Result<_, Error>>()
}

/// Takes the CPU for a device in this thread, so that tests reach what is done on devices that are not there.
pub(crate) mod simulated {
    #[cfg(test)]
    use std::cell::Cell;

    /// What the CPU is taken for.
    #[cfg(test)]
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Simulated {
        Host,
        Device,
        DeviceWithoutDoubles,
    }

    #[cfg(test)]
    thread_local! {
        static CPU: Cell<Simulated> = const { Cell::new(Simulated::Host) };
        /// The reads and uploads of this thread.
        static TRANSFERS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }

    #[cfg(test)]
    pub(super) fn count(is_upload: bool) {
        let (reads, uploads) = TRANSFERS.get();
        TRANSFERS.set(if is_upload { (reads, uploads + 1) } else { (reads + 1, uploads) });
    }

    /// The outcome of an action with the CPU taken for something else, and how many reads and uploads it made.
    #[cfg(test)]
    pub(crate) fn with<T>(cpu: Simulated, action: impl FnOnce() -> T) -> (T, u64, u64) {
        TRANSFERS.set((0, 0));
        CPU.set(cpu);
        let outcome = action();
        CPU.set(Simulated::Host);
        let (reads, uploads) = TRANSFERS.get();
        (outcome, reads, uploads)
    }

    #[cfg(test)]
    pub(crate) fn is_device() -> bool {
        CPU.get() != Simulated::Host
    }

    #[cfg(test)]
    pub(crate) fn is_without_doubles() -> bool {
        CPU.get() == Simulated::DeviceWithoutDoubles
    }

    #[cfg(not(test))]
    pub(crate) const fn is_device() -> bool {
        false
    }

    #[cfg(not(test))]
    pub(crate) const fn is_without_doubles() -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_any_kind_and_shape_are_fetched_at_once() {
        let tensors = [
            Tensor::from_slice(&[1i64, -2, 1 << 60]),
            Tensor::from_slice(&[true, false]),
            Tensor::from(f32::NAN),
            Tensor::from_slice(&[0.5f64, 0.1, 3.0, 4.0, 5.0, 6.0]).reshape([2, 3]).permute([1, 0]),
            Tensor::from_slice(&[1.5f32, 2.5]).to_kind(Kind::Half),
            Tensor::from_slice(&[1u8]).expand([3, 2], false),
        ];
        let (fetched, reads, _) =
            simulated::with(simulated::Simulated::Host, || fetch(&tensors.iter().collect::<Vec<_>>()).unwrap());
        assert_eq!(reads, 1);
        for (fetched, tensor) in fetched.iter().zip(&tensors) {
            assert_eq!((fetched.kind(), fetched.size()), (tensor.kind(), tensor.size()));
            assert!(fetched.eq_tensor(tensor).logical_or(&tensor.isnan()).all().double_value(&[]) == 1.0);
        }
    }

    #[test]
    fn a_sum_that_overflows_is_of_finite_values() {
        let sum = |values: &[f64]| sum_on_host(&Tensor::from_slice(values)).unwrap();
        assert_eq!(sum(&[1.5e308, 1.5e308]), (f64::INFINITY, true));
        assert_eq!(sum(&[1.0, f64::INFINITY]), (f64::INFINITY, false));
        assert!(!sum(&[f64::NAN]).1);
    }
}
