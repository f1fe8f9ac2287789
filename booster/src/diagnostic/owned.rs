//! Tensors that keep nothing alive but their own values.

use tch::{Device, Kind, Tensor};

use crate::error::Result;

/// Makes tensors independent of their graph and of larger tensors that they are views of.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    /// The last size that was seen, with a tensor of that size that has its memory to itself.
    reference: Option<(Vec<i64>, Tensor)>,
    /// How many tensors came.
    seen: usize,
    /// Whether one of them was a view of something larger.
    views: bool,
}

/// What a program measures is a view in all steps or in none: until one was found, each tensor of so many is looked at,
/// since a look costs more than all else that is done with it.
const LOOK_EVERY: usize = 16;

impl Owned {
    /// Another handle to the values, or a copy of them where the tensor is a view of more.
    pub(crate) fn own(&mut self, tensor: &Tensor, size: &[i64]) -> Result<Tensor> {
        let detached = if tensor.requires_grad() { tensor.f_detach()? } else { tensor.shallow_clone() };
        self.seen += 1;
        if !self.views && self.seen % LOOK_EVERY != 1 {
            return Ok(detached);
        }
        let reference = match &mut self.reference {
            Some((known, reference)) if known == size => reference,
            stale => &mut stale.insert((size.to_vec(), Tensor::f_empty(size, (Kind::Bool, Device::Cpu))?)).1,
        };
        // libtorch counts a storage's length in elements of the tensor's kind.
        if tensor.f_internal_has_same_storage_numel(reference)? {
            return Ok(detached);
        }
        self.views = true;
        Ok(detached.f_to_device_(detached.device(), detached.f_kind()?, false, true)?.f_contiguous()?)
    }
}
