//! Detection of non-finite losses and gradients on the device.

use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Kind, Tensor};

use crate::device::{to_device, to_device_and_kind};
use crate::error::{Error, Result};
use crate::kind::widest_float;
use crate::transfers;

/// The first step with a non-finite loss and the first with a non-finite gradient.
#[derive(Debug, Default)]
pub(super) struct NonFiniteMonitor {
    /// The two steps, in the widest floating-point kind of the device; infinite where there was none.
    first: Option<Tensor>,
}

impl NonFiniteMonitor {
    /// Checks a step without waiting for the device. Returns, for loss and gradient, the step if the value is not
    /// finite, and infinity otherwise.
    pub(super) fn look(&mut self, step: u64, loss: &Tensor, norm: &Tensor) -> Result<Tensor> {
        let loss = to_device_and_kind(loss, norm.device(), norm.f_kind()?)?;
        let is_finite = Tensor::f_stack(&[&loss, norm], 0)?.f_isfinite()?;
        let steps = full([2], step as f64, (widest_float(norm.device()), norm.device()))?;
        let bad = steps.try_masked_fill(&is_finite, f64::INFINITY)?;
        self.first = Some(match &self.first {
            Some(first) => first.f_minimum(&to_device(&bad, first.device())?)?,
            None => bad.shallow_clone(),
        });
        Ok(bad)
    }

    /// Returns an error if there was a bad step since the last call. Waits for the device.
    pub(super) fn take(&mut self) -> Result<()> {
        self.first.take().map_or(Ok(()), |first| verdict(&first))
    }

    /// Discards all findings.
    pub(super) fn invalidate(&mut self) {
        self.first = None;
    }
}

/// Returns an error if `bad` contains a step. Waits for the device.
pub(super) fn verdict(bad: &Tensor) -> Result<()> {
    let bytes = transfers::read_bytes(&bad.f_view_dtype(Kind::Uint8)?)?;
    let numbers = if bad.f_kind()? == Kind::Float {
        numbers(&bytes, |bytes| f64::from(f32::from_ne_bytes(bytes)))
    } else {
        numbers(&bytes, f64::from_ne_bytes)
    };
    let [loss, gradient] = numbers[..] else { return Ok(()) };
    let step = loss.min(gradient);
    if step.is_infinite() {
        return Ok(());
    }
    Err(Error::NonFiniteStep { step: step as u64, what: if loss <= gradient { "loss" } else { "gradient" } })
}

fn numbers<const SIZE: usize>(bytes: &[u8], number: impl Fn([u8; SIZE]) -> f64) -> Vec<f64> {
    bytes.as_chunks::<SIZE>().0.iter().map(|&bytes| number(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bad_step_is_read_in_either_precision() {
        for kind in [Kind::Float, Kind::Double] {
            let read = |loss: f64, gradient: f64| verdict(&Tensor::from_slice(&[loss, gradient]).to_kind(kind));
            assert!(read(f64::INFINITY, f64::INFINITY).is_ok());
            for (loss, gradient, step, what) in
                [(7.0, f64::INFINITY, 7, "loss"), (9.0, 3.0, 3, "gradient"), (4.0, 4.0, 4, "loss")]
            {
                let error = read(loss, gradient).unwrap_err();
                assert!(
                    matches!(error, Error::NonFiniteStep { step: s, what: w } if (s, w) == (step, what)),
                    "{error}"
                );
            }
        }
    }
}
