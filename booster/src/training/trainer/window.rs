//! The batches accumulated into one optimizer step.

use booster_sys::foreach;
use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::evaluation::Loss;
use crate::kind::{summing_kind, widest_float};

/// The state of an unfinished window.
#[derive(Debug, Default)]
pub(super) struct Window {
    batches: u64,
    weight: Weight,
    /// The sum of the losses, which is not finite if one of them is not.
    losses: Option<Tensor>,
    /// The mean gradient of each variable, weighted like the losses, in at least single precision. `None` if the window
    /// consists of one batch, whose gradients stay in the variables.
    means: Option<Vec<Tensor>>,
}

/// The total weight of the losses.
#[derive(Debug)]
enum Weight {
    Host(f64),
    /// 0-dimensional, in the widest floating-point kind of its device.
    Device(Tensor),
}

impl Default for Weight {
    fn default() -> Self {
        Self::Host(0.0)
    }
}

impl Weight {
    /// Adds a batch's weight and returns the batch's share of the total: 0 if the total is 0. Does not wait for a
    /// device.
    fn add(&mut self, loss: &Loss, samples: f64) -> Result<Tensor> {
        let weight = match (&*self, loss.weight()) {
            (Self::Host(sum), None) => {
                let sum = sum + samples;
                *self = Self::Host(sum);
                return Ok(full([0_i64; 0], samples / sum, (Kind::Double, Device::Cpu))?);
            }
            (Self::Device(sum), None) => sum.try_full_like(samples)?,
            (_, Some(weight)) => weight.f_to_kind(widest_float(weight.device()))?.f_detach()?,
        };
        let sum = match self {
            Self::Host(sum) => weight.try_add_scalar(*sum)?,
            Self::Device(sum) => sum.f_add(&weight)?,
        };
        let share = weight.f_div(&sum)?.try_masked_fill(&sum.try_eq(0.0)?, 0.0)?;
        *self = Self::Device(sum);
        Ok(share)
    }
}

impl Window {
    /// Adds a batch, given its detached loss and the gradients of the optimizer's variables. `gradients` is `None` for
    /// the only batch of a window.
    pub(super) fn add(&mut self, loss: &Loss, samples: f64, gradients: Option<Vec<Tensor>>) -> Result<()> {
        let mean = loss.tensor().f_to_kind(summing_kind(loss.tensor().f_kind()?))?;
        let losses = match &self.losses {
            Some(sum) => sum.f_add(&mean)?,
            None => mean,
        };
        if let Some(gradients) = gradients {
            let share = self.weight.add(loss, samples)?;
            let means = self.means.get_or_insert_default();
            // Variables may have been added to the optimizer since the previous batch; they come last.
            means.resize_with(gradients.len(), Tensor::new);
            foreach::move_means(means, &gradients, &share)?;
        }
        self.batches += 1;
        self.losses = Some(losses);
        Ok(())
    }

    /// Returns the number of batches.
    pub(super) fn len(&self) -> u64 {
        self.batches
    }

    /// Returns the sum of the losses; `None` without batches.
    pub(super) fn losses(&self) -> Option<&Tensor> {
        self.losses.as_ref()
    }

    /// Returns the mean gradients, one per variable of the optimizer; `None` if the gradients are still in the
    /// variables.
    pub(super) fn means(&self) -> Option<&[Tensor]> {
        self.means.as_deref()
    }
}
