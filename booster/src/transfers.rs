//! Counters of transfers between devices and the host.

use std::sync::atomic::{AtomicU64, Ordering};

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

static HOST_READS: AtomicU64 = AtomicU64::new(0);
static UPLOADS: AtomicU64 = AtomicU64::new(0);

/// Returns the number of device-to-host reads that booster has made in this process.
///
/// Each read waits for the device. A summary makes one read per device; between summaries booster makes none (except
/// on MPS, which has no doubles: one per 256 updates of an aggregator).
///
/// ```
/// let before = booster::transfers::host_reads();
/// // training steps ...
/// assert_eq!(booster::transfers::host_reads(), before);
/// ```
pub fn host_reads() -> u64 {
    HOST_READS.load(Ordering::Relaxed)
}

/// Returns the number of host-to-device uploads that booster has made in this process.
///
/// A step uploads the tensors of its batch. An aggregator makes a few uploads each time it reduces its pending updates,
/// however many there are.
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

/// Returns whether values on a device can be read without a transfer.
pub(crate) fn is_on_host(device: Device) -> bool {
    device == Device::Cpu && !simulated::is_device()
}

/// Returns whether a device supports double precision.
pub(crate) fn has_doubles(device: Device) -> bool {
    matches!(device, Device::Cpu | Device::Cuda(_)) && !simulated::is_without_doubles()
}

/// Returns whether two tensors on the host are equal.
#[expect(clippy::disallowed_methods, reason = "the values are already on the host")]
pub(crate) fn equal_on_host(one: &Tensor, other: &Tensor) -> Result<bool> {
    debug_assert!(one.device() == Device::Cpu && other.device() == Device::Cpu);
    Ok(one.f_equal(other)?)
}

/// Uploads numbers as a tensor of doubles, `[n]`. The upload is asynchronous: CUDA copies from pinned memory.
#[expect(clippy::disallowed_methods, reason = "the transfer is counted")]
pub(crate) fn upload(numbers: &[f64], device: Device) -> Result<Tensor> {
    let tensor = Tensor::f_from_slice(numbers)?;
    if is_on_host(device) {
        return Ok(tensor);
    }
    count_upload();
    let tensor = if device.is_cuda() { tensor.f_pin_memory(device)? } else { tensor };
    Ok(tensor.f_to_device_(device, Kind::Double, device.is_cuda(), false)?)
}

/// Returns the sum of a tensor on the host, in double precision, and whether all values are finite. This is not counted
/// as a read.
pub(crate) fn sum_on_host(tensor: &Tensor) -> Result<(f64, bool)> {
    debug_assert_eq!(tensor.device(), Device::Cpu);
    Ok(booster_sys::sum::sum_on_host(tensor)?)
}

/// Reads a 1-dimensional tensor of doubles, waiting for its device.
#[expect(clippy::disallowed_methods, reason = "the transfer is counted")]
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
#[expect(clippy::disallowed_methods, reason = "the transfer is counted")]
pub(crate) fn read_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    debug_assert_eq!(tensor.kind(), Kind::Uint8);
    count_read();
    let on_host = tensor.f_to_device_(Device::Cpu, Kind::Uint8, false, false)?;
    let mut bytes = vec![0; on_host.numel()];
    let count = bytes.len();
    on_host.f_copy_data(&mut bytes, count)?;
    Ok(bytes)
}

/// Copies tensors of one device to the host with a single read. Kinds and shapes may differ.
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

/// Per-thread simulation of other devices on the CPU, so that tests cover device code without a device.
pub(crate) mod simulated {
    #[cfg(test)]
    use std::cell::Cell;

    /// The device that the CPU stands in for.
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
        /// The numbers of reads and uploads on this thread.
        static TRANSFERS: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }

    #[cfg(test)]
    pub(super) fn count(is_upload: bool) {
        let (reads, uploads) = TRANSFERS.get();
        TRANSFERS.set(if is_upload { (reads, uploads + 1) } else { (reads + 1, uploads) });
    }

    /// Runs an action on a simulated device and returns its outcome and its numbers of reads and uploads.
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
