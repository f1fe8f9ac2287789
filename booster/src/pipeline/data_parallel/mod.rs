//! A pipeline on several devices.

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

/// A model on several devices, each evaluating a shard of the batch, with the same results as on one device.
///
/// A batch is split into contiguous shards whose sizes differ by at most one. Each device evaluates its shard on its
/// own thread. The combined loss, diagnostics, output and gradients equal those of [`Pipeline`](super::Pipeline) on the
/// whole batch, up to rounding and for every batch size: each shard's loss is weighted by its [own
/// weight](Loss::weighted) or, without one, by its number of samples. A batch with fewer samples than devices uses only
/// the first devices, and a batch without tensors uses only the first device. Statistics across the batch, such as
/// those of batch norm in training, are computed per shard.
///
/// - The first device holds the master replica: [`var_store`](EvaluationPipeline::var_store) returns its variables, and
///   gradients accumulate there, whether from `loss.backward()` or from [`training_step`](crate::training_step), which
///   runs the backward pass on all devices at once. Output and diagnostics are on that device, in batch order.
/// - Buffers, such as batch norm statistics, are those of the first replica. A model or an evaluator may write to its
///   buffers, but writing to a parameter is an error, since replicas share parameters.
/// - A device may be listed several times. Replicas on the master's device share its parameter memory. Other replicas
///   receive the parameters before each evaluation, except frozen ones that have not changed; after
///   [`training_step`](crate::training_step), which knows when the optimizer steps, evaluations without gradients send
///   the parameters only once.
/// - On the CPU, each replica gets an equal part of the threads that [`tch::get_num_threads`] returned when the
///   pipeline was built.
/// - Replicas draw different random numbers, for dropout for example. Replicas that share a device draw in the order in
///   which their threads run, so a seeded run is not reproducible; with [`take_turns`](Self::take_turns) it is
///   reproducible bit for bit.
/// - A graph from `evaluate` outlives later evaluations, training steps and averages, as on one device: its gradient is
///   taken at the weights with which it was recorded. `backward` fails if an optimizer or a load has overwritten those
///   weights, if they were averages that are no longer swapped in, or if averages are currently swapped in for them.
/// - Each replica's thread has a stack of 8 MiB, like the main thread, or of `RUST_MIN_STACK` bytes if that is larger.
/// - Enable [`autocast`](tch::autocast) in the evaluator: the calling thread's setting does not apply to the replicas'
///   threads.
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
// As in `Pipeline`, `M` is a parameter so that the struct needs no bound.
pub struct DataParallelPipeline<E, M = <E as Evaluator>::Model> {
    var_store: VarStore,
    evaluator: E,
    replicas: ReplicaSet<M>,
}

impl<E: Evaluator<Model = M>, M> DataParallelPipeline<E, M> {
    /// Builds a replica of the model on each device and starts the replicas' threads.
    ///
    /// `model` is called once per device with the root of a new [`VarStore`], and must create the same variables each
    /// time. All replicas start with the weights of the first call. The other calls do not advance the random number
    /// generators, whose final states are those that [`Pipeline::build`](super::Pipeline::build) would leave.
    ///
    /// # Errors
    /// Returns [`Error::NoDevice`] if `devices` is empty, and [`Error::Replica`] if a device is unavailable or its
    /// model cannot be built.
    pub fn build(devices: &[Device], model: impl for<'p> Fn(&'p Path<'p>) -> M, evaluator: E) -> Result<Self> {
        Self::try_build(devices, infallible(model), evaluator)
    }

    /// Builds a model whose constructor may fail, such as one that reads a file.
    ///
    /// # Errors
    /// Returns the errors of [`build`](Self::build), and those of `model` wrapped in [`Error::Replica`].
    pub fn try_build(
        devices: &[Device],
        model: impl for<'p> Fn(&'p Path<'p>) -> Result<M>,
        evaluator: E,
    ) -> Result<Self> {
        let (var_store, replicas) = ReplicaSet::build(devices, model)?;
        Ok(Self { var_store, evaluator, replicas })
    }

    /// Splits the pipeline into its variables, the first replica's model and the evaluator, and stops the threads.
    ///
    /// # Errors
    /// Returns [`Error::Custom`] if a thread still holds the model.
    pub fn into_parts(self) -> Result<(VarStore, M, E)> {
        let Self { var_store, evaluator, replicas } = self;
        Ok((var_store, replicas.into_master()?, evaluator))
    }

    /// Makes replicas that share a device evaluate one after another, on one thread, in shard order.
    ///
    /// These replicas then draw random numbers in shard order, so a seeded run is reproducible bit for bit. On the CPU,
    /// that thread uses all intra-op threads.
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
    /// Returns [`Error::During`] if a thread cannot be started.
    pub fn take_turns(mut self) -> Result<Self> {
        self.replicas.take_turns()?;
        Ok(self)
    }

    /// Returns the devices, in shard order.
    pub fn devices(&self) -> Vec<Device> {
        self.replicas.devices()
    }

    /// Returns the first replica's model.
    pub fn model(&self) -> MutexGuard<'_, M> {
        self.replicas.master().model()
    }

    /// Splits a batch into shards, or returns `None` if there is only one replica.
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
            // A batch without tensors cannot be split: one replica evaluates it, as one sample.
            None => Ok(vec![batch.share()?]),
        };
        let shards = catch_panic(cut)?;
        let samples = shards.iter().map(|shard| Ok(shard.batch_size()?.unwrap_or(1))).collect::<Result<_>>()?;
        Ok(Some(Sharded { shards, samples }))
    }
}

/// Wraps a constructor that cannot fail.
fn infallible<M>(model: impl for<'p> Fn(&'p Path<'p>) -> M) -> impl for<'p> Fn(&'p Path<'p>) -> Result<M> {
    move |path: &Path<'_>| Ok(model(path))
}

impl<E: Evaluator> DataParallelPipeline<E, E::Model> {
    /// Adds the gradient of the whole batch to the variables' gradients. Returns the shards' outputs if requested.
    fn differentiate(&mut self, batch: &E::Batch, request: EvaluationRequest) -> Result<Whole<E>> {
        let wanted = |output| if request == EvaluationRequest::GradientAndOutput { vec![output] } else { Vec::new() };
        let Some(shards) = self.shards(batch)? else {
            let evaluator = &self.evaluator;
            return self.replicas.on_master(|model, device| {
                let (loss, diagnostics, output) = evaluate_on(evaluator, model, device, batch, Mode::Train)?;
                Ok((differentiate(loss)?, diagnostics, wanted(output)))
            });
        };
        if requires_gradient(batch)? {
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

/// Returns whether a tensor of the batch requires a gradient. Its graph is then shared by all shards, so it must be
/// differentiated once for all of them.
fn requires_gradient<B: Batch>(batch: &B) -> Result<bool> {
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
