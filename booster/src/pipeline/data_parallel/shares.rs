//! What each shard's loss counts for in the loss of the whole batch.

use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Kind, Tensor};

use crate::batch::to_device;
use crate::error::{Error, Result};
use crate::evaluation::Loss;
use crate::pipeline::{Objective, times};

/// The shards' losses with what they weigh.
#[derive(Debug)]
pub(super) struct Shares<'a> {
    losses: &'a [Loss],
    weights: Weights<'a>,
}

/// What losses are the means over.
#[derive(Debug)]
enum Weights<'a> {
    /// Samples: the shards' numbers.
    Samples(&'a [i64]),
    /// Something else, for one shard at least: 0-dimensional doubles on the first loss's device, with their sum.
    Own(Vec<Tensor>, Tensor),
}

impl<'a> Shares<'a> {
    pub(super) fn new(losses: &'a [Loss], samples: &'a [i64]) -> Result<Self> {
        let device = losses.first().ok_or(Error::EmptyBatch)?.device();
        if losses.iter().all(|loss| loss.weight().is_none()) {
            return Ok(Self { losses, weights: Weights::Samples(samples) });
        }
        let weight = |(loss, &samples): (&Loss, &i64)| match loss.weight() {
            Some(weight) => Ok(to_device(weight, device)?.f_to_kind(Kind::Double)?),
            None => Ok(full([0_i64; 0], samples as f64, (Kind::Double, device))?),
        };
        let weights = losses.iter().zip(samples).map(weight).collect::<Result<Vec<_>>>()?;
        let total = Tensor::f_stack(&weights, 0)?.f_sum(Kind::Double)?;
        Ok(Self { losses, weights: Weights::Own(weights, total) })
    }

    /// The loss of the whole batch, on the first loss's device, with the shards' graphs.
    pub(super) fn loss(&self) -> Result<Loss> {
        let device = self.losses[0].device();
        let mut sum: Option<Tensor> = None;
        for (index, loss) in self.losses.iter().enumerate() {
            let mean = to_device(loss.mean(), device)?;
            let part = match &self.weights {
                Weights::Samples(samples) => scaled(&mean, fraction(samples, index))?,
                Weights::Own(weights, total) => mean.f_mul(&share(&weights[index], total, mean.f_kind()?)?)?,
            };
            sum = Some(sum.map_or(Ok(part.shallow_clone()), |sum| sum.f_add(&part))?);
        }
        let mean = sum.ok_or(Error::EmptyBatch)?;
        let Weights::Own(_, total) = &self.weights else { return Ok(Loss::from(mean)) };
        // Of the kind that the evaluator's have.
        let kind = self.losses.iter().find_map(Loss::weight).map_or(Kind::Double, Tensor::kind);
        Ok(Loss::weighted(mean, total.f_detach()?.f_to_kind(kind)?))
    }

    /// What each replica is to differentiate, where weights are the evaluator's own, so that their gradients add up to
    /// that of the objective. `whole` is the loss of the whole batch.
    pub(super) fn own_parts(&self, objective: Objective, whole: &Loss) -> Result<Option<Vec<Part>>> {
        let Weights::Own(weights, total) = &self.weights else { return Ok(None) };
        let part = |(loss, weight): (&Loss, &Tensor)| Part::new(objective, loss.mean(), weight, total, whole.mean());
        self.losses.iter().zip(weights).map(part).collect::<Result<_>>().map(Some)
    }
}

/// A shard's part of the objective, on the shard's device.
#[derive(Debug)]
pub(super) struct Part {
    /// What is to be differentiated.
    pub(super) objective: Tensor,
    /// What the loss's gradient counts for in it, a double.
    pub(super) factor: Tensor,
}

impl Part {
    fn new(objective: Objective, mean: &Tensor, weight: &Tensor, total: &Tensor, whole: &Tensor) -> Result<Self> {
        let (device, kind) = (mean.device(), mean.f_kind()?);
        let weight = to_device(weight, device)?;
        let constant = weight.f_detach()?;
        if objective == Objective::Sum {
            return Ok(Self { objective: times(mean, &constant)?, factor: constant });
        }
        let total = to_device(&total.f_detach()?, device)?;
        let factor = share(&constant, &total, Kind::Double)?;
        let objective = mean.f_mul(&factor.f_to_kind(kind)?)?;
        if !weight.requires_grad() {
            return Ok(Self { objective, factor });
        }
        // The total depends on this weight: d(sum of m w / sum of w) / dw = (m - loss) / sum of w.
        let excess = mean.f_sub(&to_device(whole, device)?)?.f_detach()?;
        Ok(Self { objective: objective.f_add(&excess.f_mul(&share(&weight, &total, kind)?)?)?, factor })
    }
}

fn fraction(samples: &[i64], shard: usize) -> f64 {
    samples[shard] as f64 / samples.iter().sum::<i64>() as f64
}

/// A multiple of a loss.
fn scaled(mean: &Tensor, factor: f64) -> Result<Tensor> {
    Ok(mean.try_mul_scalar(factor)?)
}

/// A weight over their total; 0 where nothing weighs anything.
fn share(weight: &Tensor, total: &Tensor, kind: Kind) -> Result<Tensor> {
    let divisor = total.f_where_self(&total.try_ne(0.0)?, &total.f_ones_like()?)?;
    Ok(weight.f_div(&divisor)?.f_to_kind(kind)?)
}
