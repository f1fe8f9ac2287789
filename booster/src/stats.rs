//! Counts of what costs: reads from a device.

use std::sync::atomic::{AtomicU64, Ordering};

use tch::kind::Element;
use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};

static HOST_READS: AtomicU64 = AtomicU64::new(0);

/// How many times booster has read a tensor's values back to the host, in this process.
///
/// Each read waits for the device. Between two summaries booster makes none; a summary makes one per device.
///
/// ```
/// let before = booster::stats::host_reads();
/// // training steps ...
/// assert_eq!(booster::stats::host_reads(), before);
/// ```
pub fn host_reads() -> u64 {
    HOST_READS.load(Ordering::Relaxed)
}

/// Adds up the values of a tensor that is on the CPU, each as a double. That is no read: there is no device to wait for.
#[expect(clippy::disallowed_methods, reason = "the values are on the host already")]
pub(crate) fn fold_on_cpu<T: Element + Copy>(
    tensor: &Tensor,
    count: usize,
    zero: T,
    number: impl Fn(T) -> f64,
) -> Result<f64> {
    const ON_STACK: usize = 256;
    debug_assert_eq!(tensor.device(), Device::Cpu);
    let mut small = [zero; ON_STACK];
    let mut large = Vec::new();
    let values = if count <= ON_STACK {
        &mut small[..count]
    } else {
        large.resize(count, zero);
        &mut large[..]
    };
    tensor.f_copy_data(values, count)?;
    // Several sums side by side: the processor need not wait for one addition to begin the next.
    let mut sums = [0.0; 8];
    let chunks = values.chunks_exact(sums.len());
    let rest = chunks.remainder().iter().map(|&value| number(value)).sum::<f64>();
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += number(value);
        }
    }
    Ok(sums.iter().sum::<f64>() + rest)
}

/// Reads a 1-dimensional tensor of doubles, waiting for its device: with [`read_bytes`] the only read in the library.
pub(crate) fn read(tensor: &Tensor) -> Result<Vec<f64>> {
    debug_assert_eq!((tensor.dim(), tensor.kind()), (1, Kind::Double));
    HOST_READS.fetch_add(1, Ordering::Relaxed);
    let on_host = tensor.f_to_device_(Device::Cpu, Kind::Double, false, false)?;
    Vec::<f64>::try_from(&on_host).map_err(Error::from)
}

/// Reads a tensor of bytes in row-major order, waiting for its device.
pub(crate) fn read_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    debug_assert_eq!(tensor.kind(), Kind::Uint8);
    HOST_READS.fetch_add(1, Ordering::Relaxed);
    let on_host = tensor.f_to_device_(Device::Cpu, Kind::Uint8, false, false)?.f_reshape([-1])?;
    Vec::<u8>::try_from(&on_host).map_err(Error::from)
}
