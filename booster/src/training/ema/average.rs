//! The average of one variable.

use booster_sys::identity::is_same;
use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use crate::device::to_device_and_kind;
use crate::error::{Error, Result};

pub(super) struct Average {
    /// Has several entries if variables share their storage.
    pub(super) names: Vec<String>,
    /// Handles to the variables rather than copies, so that later writes are visible.
    pub(super) variables: Vec<Tensor>,
    trainable: bool,
    pub(super) value: Tensor,
}

impl Average {
    pub(super) fn new(name: String, variable: Tensor, trainable: bool) -> Result<Self> {
        let value = variable.f_detach()?.f_to_dtype(kind_of_average(variable.kind()), false, true)?;
        Ok(Self { names: vec![name], variables: vec![variable], trainable, value })
    }

    /// Returns whether `variable` views the same part of the same storage.
    pub(super) fn is_of(&self, variable: &Tensor) -> Result<bool> {
        Ok(is_same(&self.variables[0], variable) || self.variables[0].f_is_set_to(variable)?)
    }

    /// Adds a variable that shares the first one's storage.
    pub(super) fn add(&mut self, name: String, variable: Tensor) {
        self.names.push(name);
        self.variables.push(variable);
    }

    /// Moves the average to the variable's device and converts it to the matching kind.
    pub(super) fn sync(&mut self) -> Result<()> {
        let variable = &self.variables[0];
        if !self.value.f_is_same_size(variable)? {
            let shape = |tensor: &Tensor| format!("shape {:?}", tensor.size());
            return Err(Error::variable(self.names[0].clone(), shape(&self.value), shape(variable)));
        }
        let (device, kind) = (variable.device(), kind_of_average(variable.kind()));
        if (self.value.device(), self.value.kind()) != (device, kind) {
            self.value = to_device_and_kind(&self.value, device, kind)?;
        }
        Ok(())
    }

    /// Moves the average toward the variable's value by the fraction `weight`.
    pub(super) fn update(&mut self, weight: f64, average_buffers: bool) -> Result<()> {
        let (variable, kind) = (&self.variables[0], self.value.kind());
        if !(is_averaged(kind) && (self.trainable || average_buffers)) {
            self.value.f_copy_(variable)?;
        } else if variable.is_sparse() {
            // libtorch has no sparse `lerp`, and a sparse sum must be coalesced.
            let part = variable.f_to_kind(kind)?.try_mul_scalar(weight)?;
            self.value = self.value.try_mul_scalar(1.0 - weight)?.f_add(&part)?.f_coalesce()?;
        } else if variable.kind() == kind {
            let _ = self.value.try_lerp_(variable, weight)?;
        } else {
            let _ = self.value.try_lerp_(&variable.f_to_kind(kind)?, weight)?;
        }
        Ok(())
    }

    /// Returns the average in the variable's kind, which copies it only if the kinds differ, as in half precision.
    pub(super) fn as_variable(&self) -> Result<Tensor> {
        Ok(self.value.f_to_kind(self.variables[0].kind())?)
    }
}

fn is_averaged(kind: Kind) -> bool {
    matches!(kind, Kind::Float | Kind::Double | Kind::ComplexFloat | Kind::ComplexDouble)
}

fn kind_of_average(kind: Kind) -> Kind {
    match kind {
        Kind::Half
        | Kind::BFloat16
        | Kind::Float8e5m2
        | Kind::Float8e4m3fn
        | Kind::Float8e5m2fnuz
        | Kind::Float8e4m3fnuz => Kind::Float,
        Kind::ComplexHalf => Kind::ComplexFloat,
        other => other,
    }
}
