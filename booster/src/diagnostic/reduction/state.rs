//! Reduction states, on a device and on the host.

use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::device::to_device;
use crate::error::Result;

/// The state of a reduction on a device: 1-dimensional tensors of doubles.
#[derive(Debug)]
pub struct State {
    parts: Vec<Tensor>,
    dims: Vec<i64>,
}

impl State {
    /// Creates a state from parts: doubles, `[n]` each.
    pub fn new(parts: impl Into<Vec<Tensor>>) -> Self {
        Self { parts: parts.into(), dims: Vec::new() }
    }

    /// Attaches a shape, available later as [`HostState::dims`].
    #[must_use]
    pub fn with_dims(mut self, dims: &[i64]) -> Self {
        self.dims = dims.to_vec();
        self
    }

    /// Returns the parts.
    pub fn parts(&self) -> &[Tensor] {
        &self.parts
    }

    /// Returns the attached shape.
    pub fn dims(&self) -> &[i64] {
        &self.dims
    }

    pub(crate) fn to_device(&self, device: Device) -> Result<Self> {
        let parts = self.parts.iter().map(|part| to_device(part, device)).collect::<Result<_>>()?;
        Ok(Self { parts, dims: self.dims.clone() })
    }

    pub(crate) fn device(&self) -> Device {
        self.parts.first().map_or(Device::Cpu, Tensor::device)
    }
}

/// The state of a reduction on the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostState {
    pub(crate) parts: Vec<Vec<f64>>,
    pub(crate) dims: Vec<i64>,
}

impl HostState {
    /// Returns the numbers of each part.
    pub fn parts(&self) -> &[Vec<f64>] {
        &self.parts
    }

    /// Returns the attached shape.
    pub fn dims(&self) -> &[i64] {
        &self.dims
    }

    /// Returns the first two numbers of the first part, with NaN for missing ones.
    pub(crate) fn pair(&self) -> (f64, f64) {
        let number = |index| self.parts.first().and_then(|part: &Vec<f64>| part.get(index)).copied();
        (number(0).unwrap_or(f64::NAN), number(1).unwrap_or(f64::NAN))
    }

    /// Converts to a state on the CPU.
    pub(crate) fn to_state(&self) -> Result<State> {
        let parts = self.parts.iter().map(|part| Ok(Tensor::f_from_slice(part)?)).collect::<Result<Vec<_>>>()?;
        Ok(State::new(parts).with_dims(&self.dims))
    }
}
