//! What replicas find, each on its shard, and how it is put together.

use booster_sys::scalar::full;
use tch::Kind;

use crate::batch::Batch;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::gather::gather;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss};
use crate::pipeline::times;

/// What a replica found.
pub(super) struct Evaluated<E: Evaluator> {
    pub(super) loss: Loss,
    pub(super) diagnostics: E::Diagnostics,
    /// `None` where it was not asked for.
    pub(super) output: Option<E::Output>,
    /// What the loss was multiplied by and differentiated; `None` where that is yet to be done.
    pub(super) differentiated: Option<f64>,
}

impl<E: Evaluator> Evaluated<E> {
    /// Differentiates a mean over samples times this factor. A loss with a weight of its own waits for the other
    /// shards': only then is its part known.
    pub(super) fn differentiate(mut self, factor: f64) -> Result<Self> {
        if self.loss.weight().is_none() && self.loss.requires_grad() {
            let factor_on_device = full([0_i64; 0], factor, (Kind::Double, self.loss.device()))?;
            times(&self.loss, &factor_on_device)?.f_backward()?;
            self.loss = self.loss.detached()?;
            self.differentiated = Some(factor);
        }
        Ok(self)
    }
}

/// What replicas found, by what it is.
pub(super) fn split<E: Evaluator>(found: Vec<Evaluated<E>>) -> (Vec<Loss>, Vec<E::Diagnostics>, Vec<E::Output>) {
    let (mut losses, mut diagnostics, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
    for evaluated in found {
        losses.push(evaluated.loss);
        diagnostics.push(evaluated.diagnostics);
        outputs.extend(evaluated.output);
    }
    (losses, diagnostics, outputs)
}

pub(super) fn gathered<D: Diagnostic>(shards: Vec<D>, samples: &[i64]) -> Result<D> {
    gather(shards, Some(samples)).map_err(|error| of_shards(error, "diagnostics"))
}

/// One output of those of the shards, in order, on the first one's device.
pub(super) fn joined<B: Batch>(shards: Vec<B>) -> Result<B> {
    B::join(shards).map_err(|error| of_shards(error, "output"))
}

fn of_shards(error: Error, what: &str) -> Error {
    error.during(format!("put together the {what} of the shards, which are its parts"))
}
