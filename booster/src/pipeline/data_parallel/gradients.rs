//! Gradients on their way from a replica to the master.

use booster_sys::{foreach, gradient};
use tch::{Device, Kind, Tensor};

use crate::batch::to_device;
use crate::error::Result;

/// The gradients of one replica, of the variables that have one.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) of: Vec<usize>,
    pub(super) tensors: Vec<Tensor>,
}

/// Takes the gradients out of variables.
pub(super) fn take_gradients<'a>(variables: impl Iterator<Item = &'a mut Tensor>) -> Result<Gradients> {
    let mut gradients = Gradients { of: Vec::new(), tensors: Vec::new() };
    for (index, variable) in variables.enumerate() {
        let gradient = variable.f_grad()?;
        if gradient.defined() {
            gradient::set(variable, None)?;
            gradients.of.push(index);
            gradients.tensors.push(gradient);
        }
    }
    Ok(gradients)
}

/// Multiplies the gradients of variables.
pub(super) fn multiply_gradients<'a>(variables: impl Iterator<Item = &'a Tensor>, factor: &Tensor) -> Result<()> {
    let gradients = variables.map(Tensor::f_grad).collect::<Result<Vec<_>, _>>()?;
    Ok(foreach::multiply(&mut gradients.into_iter().filter(Tensor::defined).collect::<Vec<_>>(), factor)?)
}

/// Brings tensors of one device to another, dense ones in one piece for each kind.
pub(super) fn sent_together(tensors: &[Tensor], device: Device) -> Result<Vec<Tensor>> {
    let mut sent = tensors.iter().map(|_| None).collect::<Vec<Option<Tensor>>>();
    let mut kinds = Vec::<Kind>::new();
    for (index, tensor) in tensors.iter().enumerate() {
        let kind = tensor.f_kind()?;
        if tensor.is_sparse() {
            sent[index] = Some(to_device(tensor, device)?);
        } else if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for kind in kinds {
        let of_kind = tensors.iter().enumerate().filter(|(_, tensor)| !tensor.is_sparse() && tensor.kind() == kind);
        let of_kind = of_kind.collect::<Vec<_>>();
        let flat = of_kind.iter().map(|(_, tensor)| tensor.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
        let flat = to_device(&Tensor::f_cat(&flat, 0)?, device)?;
        let mut start = 0;
        for (index, tensor) in of_kind {
            let length = tensor.numel() as i64;
            // Detached last: a gradient that is a view cannot be zeroed in place.
            sent[index] = Some(flat.f_narrow(0, start, length)?.f_view(&tensor.size()[..])?.f_detach()?);
            start += length;
        }
    }
    Ok(sent.into_iter().flatten().collect())
}
