//! The replicas' results on their shards, and their combination.

use std::ops::Range;

use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Kind, Tensor};

use crate::batch::Batch;
use crate::device::to_device;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::gather::gather;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss};
use crate::kind::{summing_kind, widest_float};
use crate::panic::catch_panic;

/// A batch split into shards, with the number of samples of each.
pub(super) struct Sharded<B> {
    pub(super) shards: Vec<B>,
    pub(super) samples: Vec<i64>,
}

/// The results requested from an evaluation in addition to its loss and diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EvaluationRequest {
    /// The output, with the graphs of loss and output.
    Graph,
    Gradient,
    GradientAndOutput,
}

/// A replica's result.
pub(super) struct Evaluated<E: Evaluator> {
    pub(super) loss: Loss,
    pub(super) diagnostics: E::Diagnostics,
    /// `None` if not requested.
    pub(super) output: Option<E::Output>,
    pub(super) is_differentiated: bool,
}

impl<E: Evaluator> Evaluated<E> {
    /// Runs the backward pass of the loss times a factor, if the loss requires a gradient, and detaches the loss.
    /// `output` must already be detached.
    pub(super) fn differentiated(
        loss: Loss,
        diagnostics: E::Diagnostics,
        output: Option<E::Output>,
        factor: f64,
    ) -> Result<Self> {
        let is_differentiated = loss.tensor().requires_grad();
        if is_differentiated {
            times(loss.tensor(), &full([0_i64; 0], factor, (widest_float(loss.device()), loss.device()))?)?
                .f_backward()?;
        }
        Ok(Self { loss: loss.detached()?, diagnostics, output, is_differentiated })
    }
}

/// Multiplies a loss by a factor, in at least single precision.
fn times(mean: &Tensor, factor: &Tensor) -> Result<Tensor> {
    let kind = summing_kind(mean.f_kind()?);
    Ok(mean.f_to_kind(kind)?.f_mul(&factor.f_to_kind(kind)?)?)
}

/// Returns the range of a shard's samples in the batch.
pub(super) fn range_of_shard(samples: &[i64], shard: usize) -> Range<i64> {
    let start = samples.iter().take(shard).sum();
    start..start + samples.get(shard).copied().unwrap_or(0)
}

/// Returns a shard's fraction of the batch's samples.
pub(super) fn part_of_samples(samples: &[i64], shard: usize) -> f64 {
    samples[shard] as f64 / samples.iter().sum::<i64>() as f64
}

/// The weights of the shards' losses in the loss of the whole batch.
#[derive(Debug)]
pub(super) struct LossWeights<'a> {
    losses: &'a [Loss],
    samples: &'a [i64],
    /// The weights and their sum, if any loss has its own weight: 0-dimensional, in the widest floating-point kind of
    /// the first loss's device.
    own: Option<(Vec<Tensor>, Tensor)>,
}

impl<'a> LossWeights<'a> {
    pub(super) fn new(losses: &'a [Loss], samples: &'a [i64]) -> Result<Self> {
        let device = losses.first().ok_or(Error::EmptyBatch)?.device();
        if losses.iter().all(|loss| loss.weight().is_none()) {
            return Ok(Self { losses, samples, own: None });
        }
        let widest = widest_float(device);
        let weight = |(loss, &samples): (&Loss, &i64)| match loss.weight() {
            // Convert before the transfer, since the target device may not support the source's kind.
            Some(weight) if widest_float(weight.device()) != widest => {
                Ok(to_device(&weight.f_to_kind(widest)?, device)?)
            }
            Some(weight) => Ok(to_device(weight, device)?.f_to_kind(widest)?),
            None => Ok(full([0_i64; 0], samples as f64, (widest, device))?),
        };
        let weights = losses.iter().zip(samples).map(weight).collect::<Result<Vec<_>>>()?;
        let total = Tensor::f_stack(&weights, 0)?.f_sum(widest)?;
        Ok(Self { losses, samples, own: Some((weights, total)) })
    }

    /// Returns the loss of the whole batch, on the first loss's device, with the shards' graphs.
    pub(super) fn loss(&self) -> Result<Loss> {
        let first = self.losses[0].tensor();
        let (device, kind) = (first.device(), first.f_kind()?);
        let mut sum: Option<Tensor> = None;
        for (index, loss) in self.losses.iter().enumerate() {
            let mean = to_device(loss.tensor(), device)?.f_to_kind(summing_kind(kind))?;
            let part = match &self.own {
                None => mean.try_mul_scalar(part_of_samples(self.samples, index))?,
                Some((weights, total)) => mean.f_mul(&share(&weights[index], total)?.f_to_kind(mean.f_kind()?)?)?,
            };
            sum = Some(sum.map_or(Ok(part.shallow_clone()), |sum| sum.f_add(&part))?);
        }
        let mean = sum.ok_or(Error::EmptyBatch)?.f_to_kind(kind)?;
        let Some((_, total)) = &self.own else { return Ok(Loss::from(mean)) };
        // Keep the evaluator's kind, unless it is too narrow for a sum.
        let kind = self.losses.iter().find_map(Loss::weight).map(Tensor::kind);
        Ok(Loss::weighted(
            mean,
            match kind {
                Some(kind @ (Kind::Float | Kind::Int64)) => total.f_to_kind(kind)?,
                _ => total.shallow_clone(),
            },
        ))
    }

    /// Returns the factor that corrects a shard's gradient, which was computed with its [fraction of the
    /// samples](part_of_samples), if losses have their own weights.
    pub(super) fn correction(&self, shard: usize) -> Result<Option<Tensor>> {
        let Some((weights, total)) = &self.own else { return Ok(None) };
        Ok(Some(share(&weights[shard], total)?.try_div_scalar(part_of_samples(self.samples, shard))?))
    }
}

/// Returns a weight's fraction of the total; 0 if the total is 0.
fn share(weight: &Tensor, total: &Tensor) -> Result<Tensor> {
    Ok(weight.f_div(total)?.try_masked_fill(&total.try_eq(0.0)?, 0.0)?)
}

/// The loss and diagnostics of the whole batch, and the shards' outputs if requested.
pub(super) type Whole<E> = (Loss, <E as Evaluator>::Diagnostics, Vec<<E as Evaluator>::Output>);

/// Splits results into losses, diagnostics and outputs.
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

/// Checks that a shard's output has one row per sample, which joining requires.
pub(super) fn check_output<O: Batch, B: Batch>(output: &O, shard: &B) -> Result<()> {
    match (output.batch_size()?, shard.batch_size()?) {
        (Some(found), Some(expected)) if found != expected => {
            let expected = format!("{expected} rows along the first dimension, one per sample of the shard");
            Err(Error::operand("output", expected, found.to_string()))
        }
        _ => Ok(()),
    }
}

/// Joins the shards' outputs in order, on the first one's device.
pub(super) fn joined<B: Batch>(shards: Vec<B>) -> Result<B> {
    catch_panic(|| B::join(shards)).map_err(|error| of_shards(error, "output"))
}

fn of_shards(error: Error, what: &str) -> Error {
    error.during(format!("combine the {what} of the shards"))
}
