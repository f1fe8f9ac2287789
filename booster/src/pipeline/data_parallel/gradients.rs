//! Transfer of gradients from replicas to the master.

use std::collections::HashMap;

use booster_sys::{foreach, gradient};
use tch::{Device, Kind, Tensor, no_grad};

use crate::device::{to_device, to_device_and_kind};
use crate::error::Result;

/// The defined gradients of a replica's variables.
#[derive(Debug)]
pub(super) struct Gradients {
    /// The index of each gradient's variable.
    pub(super) of: Vec<usize>,
    pub(super) tensors: Vec<Tensor>,
}

impl Gradients {
    pub(super) fn scale(&mut self, factor: &Tensor) -> Result<()> {
        Ok(foreach::multiply(&mut self.tensors, factor)?)
    }
}

/// A gradient to add to that of a master variable.
#[derive(Debug)]
pub(super) struct Addition {
    /// The variable's index.
    pub(super) index: usize,
    pub(super) master: Tensor,
    pub(super) gradient: Tensor,
}

impl Addition {
    pub(super) fn apply(mut self) -> Result<()> {
        let mut sum = self.master.f_grad()?;
        if !sum.defined() {
            // A gradient computed before the master was converted still has the previous kind.
            let own = to_device_and_kind(&self.gradient, self.master.device(), self.master.f_kind()?)?;
            return Ok(gradient::set(&mut self.master, Some(&own))?);
        }
        if sum.is_sparse() && !self.gradient.is_sparse() {
            // libtorch adds a sparse tensor to a dense one, but not the reverse.
            let sum = no_grad(|| self.gradient.f_add(&sum))?;
            return Ok(gradient::set(&mut self.master, Some(&sum))?);
        }
        let _ = no_grad(|| sum.f_add_(&self.gradient))?;
        Ok(())
    }
}

/// Distributes additions over workers, with balanced element counts. Additions to the same variable go to one worker,
/// in order.
pub(super) fn distribute(additions: Vec<Addition>, workers: usize) -> Vec<Vec<Addition>> {
    let mut worker_of = HashMap::new();
    let mut parts = (0..workers).map(|_| Vec::new()).collect::<Vec<_>>();
    let mut elements = vec![0; workers];
    for addition in additions {
        let worker = *worker_of
            .entry(addition.index)
            .or_insert_with(|| (0..workers).min_by_key(|&worker| elements[worker]).unwrap_or_default());
        elements[worker] += addition.gradient.numel();
        parts[worker].push(addition);
    }
    parts
}

/// Moves the gradients out of variables.
pub(super) fn take_gradients(variables: &mut [Tensor]) -> Result<Gradients> {
    let mut gradients = Gradients { of: Vec::new(), tensors: Vec::new() };
    for (index, variable) in variables.iter_mut().enumerate() {
        let gradient = variable.f_grad()?;
        if gradient.defined() {
            gradient::set(variable, None)?;
            gradients.of.push(index);
            gradients.tensors.push(gradient);
        }
    }
    Ok(gradients)
}

/// Moves tensors to another device, with one transfer for all dense tensors of a kind.
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
            // Detach last: a gradient that is a view cannot be zeroed in place.
            sent[index] = Some(flat.f_narrow(0, start, length)?.f_view(&tensor.size()[..])?.f_detach()?);
            start += length;
        }
    }
    Ok(sent.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_variable_has_one_worker_and_loads_are_balanced() {
        let addition = |index: usize, length: i64| {
            let gradient = Tensor::ones([length], (Kind::Float, Device::Cpu));
            Addition { index, master: gradient.zeros_like().set_requires_grad(true), gradient }
        };
        let additions = [8, 5, 4, 1].iter().enumerate().map(|(index, &length)| addition(index, length));
        let again = [8, 5, 4, 1].iter().enumerate().map(|(index, &length)| addition(index, length));
        let parts = distribute(additions.chain(again).collect(), 2);
        let elements = parts.iter().map(|part| part.iter().map(|addition| addition.gradient.numel()).sum::<usize>());
        assert_eq!(elements.collect::<Vec<_>>(), [18, 18]);
        for index in 0..4 {
            let workers = parts.iter().filter(|part| part.iter().any(|addition| addition.index == index));
            assert_eq!(workers.count(), 1);
        }
    }
}
