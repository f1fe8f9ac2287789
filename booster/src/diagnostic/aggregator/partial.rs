//! Partial results of a field.

use tch::{Device, Tensor};

use crate::device::to_device;
use crate::diagnostic::reduction::State;
use crate::error::Result;

/// The first update with a non-finite value, and the number of skipped values: doubles, `[1]` each.
#[derive(Debug)]
pub(crate) struct NonFiniteStatus {
    /// The number of the first update with a non-finite value, or infinity.
    pub(crate) first: Tensor,
    /// The number of skipped values.
    pub(crate) skipped: Option<Tensor>,
}

/// The states of some values, to be merged into the states of earlier values.
#[derive(Debug)]
pub(crate) struct Partial {
    pub(crate) states: Vec<State>,
    pub(crate) non_finite: NonFiniteStatus,
}

impl NonFiniteStatus {
    pub(crate) fn merged(&self, later: &Self) -> Result<Self> {
        let device = meeting_place([self.first.device(), later.first.device()].into_iter());
        let skipped = match (&self.skipped, &later.skipped) {
            (Some(earlier), Some(later)) => Some(to_device(earlier, device)?.f_add(&to_device(later, device)?)?),
            (None, Some(only)) | (Some(only), None) => Some(to_device(only, device)?),
            (None, None) => None,
        };
        let first = to_device(&self.first, device)?.f_minimum(&to_device(&later.first, device)?)?;
        Ok(Self { first, skipped })
    }
}

/// Returns the first device other than the CPU, or the CPU if there is none: moving values to the CPU would make the
/// host wait.
pub(crate) fn meeting_place(mut devices: impl Iterator<Item = Device>) -> Device {
    devices.find(|&device| device != Device::Cpu).unwrap_or(Device::Cpu)
}
