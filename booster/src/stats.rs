//! Counts of what costs: reads from a device.

use std::sync::atomic::{AtomicU64, Ordering};

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

/// Reads a 1-dimensional tensor of doubles, waiting for its device: the only read in the library.
pub(crate) fn read(tensor: &Tensor) -> Result<Vec<f64>> {
    debug_assert_eq!((tensor.dim(), tensor.kind()), (1, Kind::Double));
    HOST_READS.fetch_add(1, Ordering::Relaxed);
    let on_host = tensor.f_to_device_(Device::Cpu, Kind::Double, false, false)?;
    Vec::<f64>::try_from(&on_host).map_err(Error::from)
}
