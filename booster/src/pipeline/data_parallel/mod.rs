//! A pipeline on many devices.

mod devices;
mod gradients;
mod pairs;
mod parts;
mod replica;
mod replica_set;
mod sync;
mod worker;

use std::fmt;
use std::sync::MutexGuard;

use tch::nn::{Path, VarStore};
use tch::{Device, no_grad_guard};

use self::parts::{EvaluationRequest, LossWeights, Sharded, Whole, gathered, joined, split};
use self::replica_set::ReplicaSet;
use super::predict::Predictor;
use super::{EvaluationPipeline, differentiate, evaluate_on, owned};
use crate::batch::{Batch, FieldPath};
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::panic::catch_panic;
use crate::sealed::Sealed;

/// A model on several devices, each with a share of the batch: the numbers are those of one device.
///
/// A batch is cut into contiguous shards whose sizes differ by at most one. Each device evaluates its shard on a thread
/// of its own, and loss, diagnostics, output and gradients are put together so that they equal those of
/// [`Pipeline`](super::Pipeline) on the whole batch, to rounding, for every batch size: each shard's loss counts with
/// its [weight](Loss::weighted), else with its samples. A batch with fewer samples than devices uses fewer of them, one
/// without tensors the first.
/// What a model computes from the whole batch, as batch-norm does in training, it computes from the shard.
///
/// - The first device has the master: [`var_store`](EvaluationPipeline::var_store) is its, and gradients get there
///   whether by `loss.backward()` or in [`training_step`](crate::training_step), which runs backward on all devices at
///   once. Output and diagnostics are on that device, in the order of the batch.
/// - Buffers, such as the statistics of batch-norm, are those of the first replica. A model or an evaluator may write
///   its buffers, but no parameter: replicas share those, so that is an error.
/// - A device may be given several times. Replicas on the master's device use its memory for their parameters. Those
///   elsewhere are sent parameters for each evaluation, but for frozen ones that have not changed; after
///   [`training_step`](crate::training_step), which knows when the optimizer steps, evaluations without gradients send
///   them once.
/// - On the CPU each replica has its part of the threads that [`tch::get_num_threads`] gave when the pipeline was built.
/// - Replicas that draw random numbers (dropout) draw different ones. Those that share a device draw in the order in
///   which their threads run, so that a seeded run does not repeat; with [`take_turns`](Self::take_turns) it does, bit
///   for bit.
/// - A graph of `evaluate` outlives evaluations, training steps and averages, as on one device: its gradient is that of
///   the weights that it was recorded with, or `backward` is an error where an optimizer or a load wrote to them, or
///   where it is of averages that are no longer, or of the weights while averages take their place.
/// - Each replica's thread has a stack of 8 MiB, as the main thread has it, or of `RUST_MIN_STACK` bytes if that is more.
/// - An evaluation's [`autocast`](tch::autocast) belongs in the evaluator: that of the calling thread is not seen by the
///   replicas' threads.
///
/// ```
/// use booster::evaluation::Classification;
/// use booster::prelude::*;
/// use booster::tch::{Device, Kind, Tensor, nn, nn::OptimizerConfig};
///
/// # fn main() -> booster::Result<()> {
/// let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
/// let devices = [Device::Cpu; 2]; // [Device::Cuda(0), Device::Cuda(1)]
/// let mut pipeline = DataParallelPipeline::build(&devices, net, Classification::new())?;
/// let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
/// let batch = Labeled {
///     input: Tensor::rand([5, 4], (Kind::Float, Device::Cpu)),
///     target: Tensor::from_slice(&[0i64, 1, 2, 1, 0]),
/// };
/// let step = training_step(&mut pipeline, &batch, &mut optimizer)?;
/// let (loss, diagnostics, output) = pipeline.evaluate(&batch, Mode::Eval)?;
/// assert_eq!(output.logits.size(), [5, 3]);
/// # Ok(())
/// # }
/// ```
// As in `Pipeline`, the model's type is a parameter so that the struct needs no bound.
pub struct DataParallelPipeline<E, M = <E as Evaluator>::Model> {
    var_store: VarStore,
    evaluator: E,
    replicas: ReplicaSet<M>,
}

impl<E: Evaluator<Model = M>, M> DataParallelPipeline<E, M> {
    /// Builds a model on each device, and starts a thread for each.
    ///
    /// `model` is called once for each device with the root of new variables, and has to make the same variables each
    /// time; the first call's are the first weights of all. The random numbers of the other calls are given back:
    /// afterwards the generators are as [`Pipeline::build`](super::Pipeline::build) leaves them.
    ///
    /// # Errors
    /// [`Error::NoDevice`](crate::Error::NoDevice) where none is given; [`Error::Replica`](crate::Error::Replica) where
    /// one is not there, or a model cannot be built on it.
    pub fn build(devices: &[Device], model: impl for<'p> Fn(&'p Path<'p>) -> M, evaluator: E) -> Result<Self> {
        Self::try_build(devices, infallible(model), evaluator)
    }

    /// The same with a model that may fail to be built, as one that reads a file.
    ///
    /// # Errors
    /// Those of [`build`](Self::build), and the model's, within [`Error::Replica`](crate::Error::Replica).
    pub fn try_build(
        devices: &[Device],
        model: impl for<'p> Fn(&'p Path<'p>) -> Result<M>,
        evaluator: E,
    ) -> Result<Self> {
        let (var_store, replicas) = ReplicaSet::build(devices, model)?;
        Ok(Self { var_store, evaluator, replicas })
    }

    /// The variables, the first replica's model and the evaluator. The threads end.
    ///
    /// # Errors
    /// None that is known: it would mean that a thread outlives its replica.
    pub fn into_parts(self) -> Result<(VarStore, M, E)> {
        let Self { var_store, evaluator, replicas } = self;
        Ok((var_store, replicas.into_master()?, evaluator))
    }

    /// Has the replicas that share a device evaluate one after the other, on one thread, in the order of their shards.
    ///
    /// They draw random numbers in that order, so that a seeded run repeats bit for bit. On the CPU that thread has all
    /// threads within an operation.
    ///
    /// ```
    /// # use booster::evaluation::Classification;
    /// # use booster::prelude::*;
    /// # use booster::tch::{Device, nn};
    /// # fn main() -> booster::Result<()> {
    /// # let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    /// let pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?.take_turns()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::During`](crate::Error::During) if a thread cannot be started.
    pub fn take_turns(mut self) -> Result<Self> {
        self.replicas.take_turns()?;
        Ok(self)
    }

    /// The devices, in the order of the shards.
    pub fn devices(&self) -> Vec<Device> {
        self.replicas.devices()
    }

    /// The first replica's model.
    pub fn model(&self) -> MutexGuard<'_, M> {
        self.replicas.master().model()
    }

    /// The batch's shards, or `None` where there is no other replica.
    fn shards<B: Batch>(&self, batch: &B) -> Result<Option<Sharded<B>>> {
        let samples = batch.batch_size()?;
        if samples == Some(0) {
            return Err(Error::EmptyBatch);
        }
        if self.replicas.len() == 1 {
            return Ok(None);
        }
        let cut = || match samples {
            Some(_) => batch.shards(self.replicas.len()),
            // Without tensors there is nothing to cut: one replica has it, and it counts once.
            None => Ok(vec![batch.share()?]),
        };
        let shards = catch_panic(cut)?;
        let samples = shards.iter().map(|shard| Ok(shard.batch_size()?.unwrap_or(1))).collect::<Result<_>>()?;
        Ok(Some(Sharded { shards, samples }))
    }
}

/// A function that builds a model, as one that may fail.
fn infallible<M>(model: impl for<'p> Fn(&'p Path<'p>) -> M) -> impl for<'p> Fn(&'p Path<'p>) -> Result<M> {
    move |path: &Path<'_>| Ok(model(path))
}

impl<E: Evaluator> DataParallelPipeline<E, E::Model> {
    /// Adds the gradient of the whole batch to the variables'. The outputs are those of the shards, where they are wanted.
    fn differentiate(&mut self, batch: &E::Batch, request: EvaluationRequest) -> Result<Whole<E>> {
        let wanted = |output| if request == EvaluationRequest::GradientAndOutput { vec![output] } else { Vec::new() };
        let Some(shards) = self.shards(batch)? else {
            let evaluator = &self.evaluator;
            return self.replicas.on_master(|model, device| {
                let (loss, diagnostics, output) = evaluate_on(evaluator, model, device, batch, Mode::Train)?;
                Ok((differentiate(loss)?, diagnostics, wanted(output)))
            });
        };
        if asks_for_gradient(batch)? {
            let (loss, diagnostics, output) = self.evaluate(batch, Mode::Train)?;
            return Ok((differentiate(loss)?, diagnostics, wanted(output)));
        }
        self.replicas.differentiate(&self.evaluator, shards, request)
    }
}

impl<E, M> Sealed for DataParallelPipeline<E, M> {}

impl<E: Evaluator> EvaluationPipeline for DataParallelPipeline<E, E::Model> {
    type Evaluator = E;

    fn evaluate(&mut self, batch: &E::Batch, mode: Mode) -> Result<(Loss, E::Diagnostics, E::Output)> {
        let Some(shards) = self.shards(batch)? else {
            let evaluator = &self.evaluator;
            return self.replicas.on_master(|model, device| evaluate_on(evaluator, model, device, batch, mode));
        };
        let samples = shards.samples.clone();
        let (losses, diagnostics, outputs) = split(self.replicas.evaluate(&self.evaluator, shards, mode)?);
        let loss = LossWeights::new(&losses, &samples)?.loss()?;
        Ok((loss, gathered(diagnostics, &samples)?, joined(outputs)?))
    }

    fn backward(&mut self, batch: &E::Batch) -> Result<(Loss, E::Diagnostics)> {
        self.differentiate(batch, EvaluationRequest::Gradient).map(|(loss, diagnostics, _)| (loss, diagnostics))
    }

    fn backward_with_output(&mut self, batch: &E::Batch) -> Result<(Loss, E::Diagnostics, E::Output)> {
        let (loss, diagnostics, outputs) = self.differentiate(batch, EvaluationRequest::GradientAndOutput)?;
        Ok((loss, diagnostics, owned(&joined(outputs)?, &self.var_store)?))
    }

    fn predict<B, O, F>(&mut self, batch: &B, predict: F) -> Result<O>
    where
        B: Batch,
        O: Batch,
        F: Fn(&E::Model, &B, Mode) -> Result<O> + Clone + Send + 'static,
    {
        let _no_grad = no_grad_guard();
        let predictor = Predictor::new(predict);
        let Some(shards) = self.shards(batch)? else {
            let on_master = |model: &E::Model, device| evaluate_on(&predictor, model, device, batch, Mode::Eval);
            let (.., output) = self.replicas.on_master(on_master)?;
            return owned(&output, &self.var_store);
        };
        let (_, _, outputs) = split(self.replicas.evaluate(&predictor, shards, Mode::Eval)?);
        owned(&joined(outputs)?, &self.var_store)
    }

    fn stepped(&mut self) {
        self.replicas.version.step(false);
    }

    fn changed(&mut self) {
        self.replicas.changed();
    }

    fn evaluator(&self) -> &E {
        &self.evaluator
    }

    fn evaluator_mut(&mut self) -> &mut E {
        &mut self.evaluator
    }

    fn var_store(&self) -> &VarStore {
        &self.var_store
    }

    fn var_store_mut(&mut self) -> &mut VarStore {
        self.replicas.version.changes += 1;
        &mut self.var_store
    }
}

/// Whether a tensor of the batch is to have a gradient, or to pass one on to what made it: that graph is one for all shards,
/// and is differentiated once.
fn asks_for_gradient<B: Batch>(batch: &B) -> Result<bool> {
    let mut any = false;
    batch.visit_tensors(FieldPath::ROOT, &mut |_, tensor| {
        any |= tensor.requires_grad();
        Ok(())
    })?;
    Ok(any)
}

impl<E: fmt::Debug, M> fmt::Debug for DataParallelPipeline<E, M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DataParallelPipeline")
            .field("devices", &self.replicas.devices())
            .field("variables", &self.var_store.len())
            .field("evaluator", &self.evaluator)
            .finish_non_exhaustive()
    }
}
