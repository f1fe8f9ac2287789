//! Losses and gradients that are NaN or infinite, found on the device.

use booster_sys::scalar::{ScalarOps as _, full};
use tch::Tensor;

use crate::error::{Error, Result};
use crate::functional::widest_float;
use crate::stats;

/// Which step was the first whose loss, and the first whose gradient, was not finite.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// `[2]`, of the widest kind of the device: infinite where there was none.
    first: Option<Tensor>,
}

impl Watch {
    /// Looks at a step without waiting for the device. What is given back is the step's number where a value was not
    /// finite, else infinity, for loss and gradient.
    pub(super) fn look(&mut self, step: u64, loss: &Tensor, norm: &Tensor) -> Result<Tensor> {
        let loss = loss.f_to_device_(norm.device(), norm.f_kind()?, false, false)?;
        let is_finite = Tensor::f_stack(&[&loss, norm], 0)?.f_isfinite()?;
        let steps = full([2], step as f64, (widest_float(norm.device()), norm.device()))?;
        let bad = steps.try_masked_fill(&is_finite, f64::INFINITY)?;
        self.first = Some(match &self.first {
            Some(first) => first.f_minimum(&bad.f_to_device(first.device())?)?,
            None => bad.shallow_clone(),
        });
        Ok(bad)
    }

    /// The error of the first bad step, if there was one since this was last asked. It waits for the device.
    pub(super) fn take(&mut self) -> Result<()> {
        self.first.take().map_or(Ok(()), |first| verdict(&first))
    }

    /// Forgets what was seen.
    pub(super) fn forget(&mut self) {
        self.first = None;
    }
}

/// The error that the numbers of bad steps amount to. It waits for the device.
pub(super) fn verdict(bad: &Tensor) -> Result<()> {
    let [loss, gradient] = stats::read(bad)?[..] else { return Ok(()) };
    let step = loss.min(gradient);
    if step.is_infinite() {
        return Ok(());
    }
    Err(Error::NonFiniteStep { step: step as u64, what: if loss <= gradient { "loss" } else { "gradient" } })
}
