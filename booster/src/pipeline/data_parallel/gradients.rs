//! Gradients on their way from a replica to the master.

use std::collections::HashMap;

use booster_sys::{foreach, gradient};
use tch::{Device, Kind, Tensor, no_grad};

use crate::device::to_device;
use crate::error::Result;

/// The gradients of one replica, of the variables that have one.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) of: Vec<usize>,
    pub(super) tensors: Vec<Tensor>,
}

impl Gradients {
    /// Multiplies them, in place.
    pub(super) fn scale(&mut self, factor: &Tensor) -> Result<()> {
        Ok(foreach::multiply(&mut self.tensors, factor)?)
    }
}

/// A gradient that is to be added to that of a master's variable.
#[derive(Debug)]
pub(super) struct Addition {
    /// The variable's place among all.
    pub(super) index: usize,
    pub(super) master: Tensor,
    pub(super) gradient: Tensor,
}

impl Addition {
    pub(super) fn make(mut self) -> Result<()> {
        let mut sum = self.master.f_grad()?;
        if !sum.defined() {
            return Ok(gradient::set(&mut self.master, Some(&self.gradient))?);
        }
        if sum.is_sparse() && !self.gradient.is_sparse() {
            // libtorch adds a sparse tensor to a dense one, not the other way round.
            let sum = no_grad(|| self.gradient.f_add(&sum))?;
            return Ok(gradient::set(&mut self.master, Some(&sum))?);
        }
        let _ = no_grad(|| sum.f_add_(&self.gradient))?;
        Ok(())
    }
}

/// Deals additions out to so many hands, about as many numbers to each; those of one variable to one, in their order.
pub(super) fn dealt(additions: Vec<Addition>, hands: usize) -> Vec<Vec<Addition>> {
    let mut hand_of = HashMap::new();
    let mut dealt = (0..hands).map(|_| Vec::new()).collect::<Vec<_>>();
    let mut numbers = vec![0; hands];
    for addition in additions {
        let hand = *hand_of
            .entry(addition.index)
            .or_insert_with(|| (0..hands).min_by_key(|&hand| numbers[hand]).unwrap_or_default());
        numbers[hand] += addition.gradient.numel();
        dealt[hand].push(addition);
    }
    dealt
}

/// Takes the gradients out of variables.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_in_one_hand_and_hands_have_about_as_much() {
        let addition = |index: usize, length: i64| {
            let gradient = Tensor::ones([length], (Kind::Float, Device::Cpu));
            Addition { index, master: gradient.zeros_like().set_requires_grad(true), gradient }
        };
        let additions = [8, 5, 4, 1].iter().enumerate().map(|(index, &length)| addition(index, length));
        let again = [8, 5, 4, 1].iter().enumerate().map(|(index, &length)| addition(index, length));
        let dealt = dealt(additions.chain(again).collect(), 2);
        let numbers = dealt.iter().map(|hand| hand.iter().map(|addition| addition.gradient.numel()).sum::<usize>());
        assert_eq!(numbers.collect::<Vec<_>>(), [18, 18]);
        for index in 0..4 {
            let hands = dealt.iter().filter(|hand| hand.iter().any(|addition| addition.index == index));
            assert_eq!(hands.count(), 1);
        }
    }
}
