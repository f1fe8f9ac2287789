//! The average of one variable.

use booster_sys::identity::is_same;
use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use crate::device::to_device_and_kind;
use crate::error::{Error, Result};

pub(super) struct Average {
    /// More than one where variables share their storage.
    pub(super) names: Vec<String>,
    /// The variables themselves, not their values: they are seen to change.
    pub(super) variables: Vec<Tensor>,
    trainable: bool,
    pub(super) value: Tensor,
}

impl Average {
    pub(super) fn new(name: String, variable: Tensor, trainable: bool) -> Result<Self> {
        let value = variable.f_detach()?.f_to_dtype(kind_of_average(variable.kind()), false, true)?;
        Ok(Self { names: vec![name], variables: vec![variable], trainable, value })
    }

    /// Whether its variable and another are the same part of the same storage.
    pub(super) fn is_of(&self, variable: &Tensor) -> Result<bool> {
        Ok(is_same(&self.variables[0], variable) || self.variables[0].f_is_set_to(variable)?)
    }

    /// Adds a variable that shares the first one's storage.
    pub(super) fn add(&mut self, name: String, variable: Tensor) {
        self.names.push(name);
        self.variables.push(variable);
    }

    /// Goes to the variable's device, and to the kind that averages of its kind have.
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

    /// Goes the given part of the way to the variable's value.
    pub(super) fn update(&mut self, weight: f64, average_buffers: bool) -> Result<()> {
        let (variable, kind) = (&self.variables[0], self.value.kind());
        if !(is_averaged(kind) && (self.trainable || average_buffers)) {
            self.value.f_copy_(variable)?;
        } else if variable.is_sparse() {
            // libtorch has no `lerp` of sparse tensors, and their sum has the entries of both.
            let part = variable.f_to_kind(kind)?.try_mul_scalar(weight)?;
            self.value = self.value.try_mul_scalar(1.0 - weight)?.f_add(&part)?.f_coalesce()?;
        } else if variable.kind() == kind {
            let _ = self.value.try_lerp_(variable, weight)?;
        } else {
            let _ = self.value.try_lerp_(&variable.f_to_kind(kind)?, weight)?;
        }
        Ok(())
    }

    /// The average in the variable's kind: itself, unless that is half precision.
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
