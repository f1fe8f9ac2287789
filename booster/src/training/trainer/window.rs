//! The batches whose gradients go into one step of the optimizer.

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::evaluation::Loss;

/// What is known of the batches of a window that is under way.
#[derive(Debug, Default)]
pub(super) struct Window {
    batches: u64,
    weight: Weight,
    /// The sum of the losses: not finite where one of them is not.
    losses: Option<Tensor>,
}

/// The sum of what the losses weigh.
#[derive(Debug)]
enum Weight {
    Host(f64),
    /// A 0-dimensional double.
    Device(Tensor),
}

impl Default for Weight {
    fn default() -> Self {
        Self::Host(0.0)
    }
}

impl Window {
    /// Adds a batch of so many samples by its loss, which has no graph.
    pub(super) fn add(&mut self, loss: &Loss, samples: f64) -> Result<()> {
        let weight = match (&self.weight, loss.weight()) {
            (Weight::Host(sum), None) => Weight::Host(sum + samples),
            (Weight::Host(sum), Some(weight)) => Weight::Device(weight.f_to_kind(Kind::Double)?.f_add_scalar(*sum)?),
            (Weight::Device(sum), None) => Weight::Device(sum.f_add_scalar(samples)?),
            (Weight::Device(sum), Some(weight)) => Weight::Device(sum.f_add(weight)?),
        };
        let losses = match &self.losses {
            Some(sum) => sum.f_add(loss.mean())?,
            None => loss.mean().shallow_clone(),
        };
        *self = Self { batches: self.batches + 1, weight, losses: Some(losses) };
        Ok(())
    }

    /// How many batches there are.
    pub(super) fn len(&self) -> u64 {
        self.batches
    }

    /// The sum of the losses; `None` where there is no batch.
    pub(super) fn losses(&self) -> Option<&Tensor> {
        self.losses.as_ref()
    }

    /// One over the weight of all, 0-dimensional; 0 where nothing weighs anything.
    pub(super) fn share(&self) -> Result<Tensor> {
        Ok(match &self.weight {
            Weight::Host(sum) => Tensor::from(if *sum == 0.0 { 0.0 } else { sum.recip() }),
            Weight::Device(sum) => sum.f_reciprocal()?.f_masked_fill(&sum.f_eq(0.0)?, 0.0)?,
        })
    }
}
