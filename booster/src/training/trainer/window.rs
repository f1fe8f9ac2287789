//! The batches whose gradients go into one step of the optimizer.

use booster_sys::foreach;
use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Device, Kind, Tensor};

use crate::error::Result;
use crate::evaluation::Loss;
use crate::kind::{summing_kind, widest_float};

/// What is known of the batches of a window that is under way.
#[derive(Debug, Default)]
pub(super) struct Window {
    batches: u64,
    weight: Weight,
    /// The sum of the losses: not finite where one of them is not.
    losses: Option<Tensor>,
    /// The mean gradient of each variable over what the losses are means of, in single precision at least; none where the
    /// window is one batch, whose gradients are the variables'.
    means: Option<Vec<Tensor>>,
}

/// The sum of what the losses weigh.
#[derive(Debug)]
enum Weight {
    Host(f64),
    /// 0-dimensional, of the widest kind of its device.
    Device(Tensor),
}

impl Default for Weight {
    fn default() -> Self {
        Self::Host(0.0)
    }
}

impl Weight {
    /// Adds a batch's weight, and gives the batch's share of the sum: 0 where nothing weighs anything. It does not wait for
    /// a device.
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
    /// Adds a batch of so many samples by its loss, which has no graph, and by the gradients of the optimizer's variables,
    /// unless it is to be the only one.
    pub(super) fn add(&mut self, loss: &Loss, samples: f64, gradients: Option<Vec<Tensor>>) -> Result<()> {
        let mean = loss.tensor().f_to_kind(summing_kind(loss.tensor().f_kind()?))?;
        let losses = match &self.losses {
            Some(sum) => sum.f_add(&mean)?,
            None => mean,
        };
        if let Some(gradients) = gradients {
            let share = self.weight.add(loss, samples)?;
            let means = self.means.get_or_insert_default();
            // Variables may come to the optimizer in between, after those that it has.
            means.resize_with(gradients.len(), Tensor::new);
            foreach::move_means(means, &gradients, &share)?;
        }
        self.batches += 1;
        self.losses = Some(losses);
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

    /// The mean gradients, one for each of the optimizer's variables; `None` where they are the variables' own.
    pub(super) fn means(&self) -> Option<&[Tensor]> {
        self.means.as_deref()
    }
}
