//! The batches whose gradients go into one step of the optimizer.

use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::evaluation::{Loss, summing_kind};

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
            (Weight::Host(sum), Some(weight)) => Weight::Device(weight.f_to_kind(Kind::Double)?.try_add_scalar(*sum)?),
            (Weight::Device(sum), None) => Weight::Device(sum.try_add_scalar(samples)?),
            (Weight::Device(sum), Some(weight)) => Weight::Device(sum.f_add(weight)?),
        };
        let mean = loss.mean().f_to_kind(summing_kind(loss.f_kind()?))?;
        let losses = match &self.losses {
            Some(sum) => sum.f_add(&mean)?,
            None => mean,
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

    /// One over the weight of all, a 0-dimensional double; 0 where nothing weighs anything. A number of the host is
    /// written on the device: nothing is sent there, for which the host would wait.
    pub(super) fn share(&self, device: Device) -> Result<Tensor> {
        Ok(match &self.weight {
            Weight::Host(sum) => {
                let share = if *sum == 0.0 { 0.0 } else { sum.recip() };
                full([0_i64; 0], share, (Kind::Double, device))?
            }
            Weight::Device(sum) => sum.f_reciprocal()?.try_masked_fill(&sum.try_eq(0.0)?, 0.0)?,
        })
    }
}
