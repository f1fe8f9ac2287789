//! Moving tensors between devices and joining them on one.

use std::fmt;

use tch::{Device, Kind, Tensor};

use crate::error::{Error, Result};
use crate::transfers::{count_read, count_upload};

/// Moves a tensor to a device, or shares it if it is already there. Copies from pinned memory are asynchronous.
#[expect(clippy::disallowed_methods, reason = "the transfer is counted")]
pub(crate) fn to_device(tensor: &Tensor, device: Device) -> Result<Tensor> {
    let from = tensor.device();
    if from == device {
        return Ok(tensor.shallow_clone());
    }
    match (from, device) {
        (Device::Cpu, _) => count_upload(),
        (_, Device::Cpu) => count_read(),
        _ => {}
    }
    let pinned = from == Device::Cpu && device.is_cuda() && tensor.f_is_pinned(device)?;
    Ok(tensor.f_to_device_(device, tensor.f_kind()?, pinned, false)?)
}

/// Moves a tensor to a device and converts it to a kind.
pub(crate) fn to_device_and_kind(tensor: &Tensor, device: Device, kind: Kind) -> Result<Tensor> {
    Ok(to_device(tensor, device)?.f_to_kind(kind)?)
}

/// Concatenates tensors along their first dimension, on the device of the first.
pub(crate) fn concatenate(field: impl fmt::Display, tensors: &[&Tensor]) -> Result<Tensor> {
    let [first, rest @ ..] = tensors else { return Err(Error::EmptyBatch) };
    let shape = first.size();
    let device = first.device();
    if shape.is_empty() && !rest.is_empty() {
        return Err(Error::BatchScalar { field: field.to_string() });
    }
    for (index, other) in rest.iter().enumerate() {
        let found = other.size();
        let fits = found.get(1..) == shape.get(1..) && other.f_kind()? == first.f_kind()?;
        if !fits {
            let reason = format!(
                "part 0 has shape {shape:?} and kind {:?}, but part {} has shape {found:?} and kind {:?}: \
                 parts may differ only in their first dimension",
                first.f_kind()?,
                index + 1,
                other.f_kind()?,
            );
            return Err(Error::BatchMismatch { field: field.to_string(), reason });
        }
    }
    if rest.is_empty() {
        return Ok(first.shallow_clone());
    }
    let moved = tensors.iter().map(|tensor| to_device(tensor, device)).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::f_cat(&moved, 0)?)
}
