//! All replicas and their threads.

use std::ops::Range;
use std::sync::PoisonError;

use booster_sys::{generator, gradient};
use tch::nn::{Path, VarStore};
use tch::{Device, Tensor, no_grad_guard};

use super::devices::{available, distinct, separate};
use super::gradients::{Addition, Gradients, distribute};
use super::parts::{
    Evaluated, EvaluationRequest, LossWeights, Sharded, Whole, check_output, gathered, part_of_samples, range_of_shard,
    split,
};
use super::replica::Replica;
use super::sync::{GradientMode, ParameterVersion, VariableSync};
use super::worker::{JobHandle, Worker};
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Mode};
use crate::panic::catch_panic;
use crate::pipeline::{detached, evaluate_on};

/// The replicas of a model. The first is the master.
#[derive(Debug)]
pub(super) struct ReplicaSet<M> {
    replicas: Vec<Replica<M>>,
    /// Empty if there is one replica.
    workers: Vec<Worker>,
    /// The index of each replica's worker.
    worker_of: Vec<usize>,
    pub(super) version: ParameterVersion,
}

impl<M> ReplicaSet<M> {
    /// Builds a model on each device and starts the threads. Returns the master's variables.
    pub(super) fn build(
        devices: &[Device],
        model: impl for<'p> Fn(&'p Path<'p>) -> Result<M>,
    ) -> Result<(VarStore, Self)> {
        let first = *devices.first().ok_or(Error::NoDevice)?;
        let on = |replica: usize| {
            let device = devices[replica];
            move |cause| Error::Replica { device, replica, samples: None, cause: Box::new(cause) }
        };
        for (replica, device) in devices.iter().enumerate() {
            available(*device).map_err(on(replica))?;
        }
        let variables = VarStore::new(first);
        let master = catch_panic(|| model(&variables.root())).map_err(on(0))?;
        let mut replicas = vec![Replica::master(master, &variables)];
        let state = |device| Ok((device, generator::state(device)?));
        let states = distinct(devices.iter().copied()).into_iter().map(state).collect::<Result<Vec<_>>>()?;
        for (index, &device) in devices.iter().enumerate().skip(1) {
            replicas.push(Replica::build(device, &model, &variables).map_err(on(index))?);
        }
        states.into_iter().try_for_each(|(device, state)| generator::set_state(device, &state))?;
        let mut all =
            Self { replicas, workers: Vec::new(), worker_of: Vec::new(), version: ParameterVersion::default() };
        all.start(devices)?;
        Ok((variables, all))
    }

    /// Starts a thread for each of `devices`, which lists either every replica's device or each distinct device once.
    fn start(&mut self, devices: &[Device]) -> Result<()> {
        let place = |replica: &Replica<M>| devices.iter().position(|device| *device == replica.device);
        self.worker_of = match devices.len() {
            all if all == self.len() => (0..all).collect(),
            _ => self.replicas.iter().filter_map(place).collect(),
        };
        let on_cpu = devices.iter().filter(|device| **device == Device::Cpu).count().max(1);
        let threads = (tch::get_num_threads() / on_cpu as i32).max(1);
        let count = if self.len() > 1 { devices.len() } else { 0 };
        let spawn = |index| Worker::spawn(format!("replica {index}"), threads);
        self.workers = (0..count).map(spawn).collect::<Result<_>>()?;
        Ok(())
    }

    /// Runs the replicas of each device on one thread.
    pub(super) fn take_turns(&mut self) -> Result<()> {
        self.start(&distinct(self.devices()))
    }

    pub(super) fn len(&self) -> usize {
        self.replicas.len()
    }

    pub(super) fn devices(&self) -> Vec<Device> {
        self.replicas.iter().map(|replica| replica.device).collect()
    }

    pub(super) fn master(&self) -> &Replica<M> {
        &self.replicas[0]
    }

    /// Stops the threads and returns the master's model.
    pub(super) fn into_master(self) -> Result<M> {
        let Self { replicas, workers, .. } = self;
        drop(workers);
        let master = replicas.into_iter().next().ok_or(Error::NoDevice)?;
        master.into_model().ok_or_else(|| Error::custom("a replica's thread still holds the model"))
    }

    /// Notifies replicas that the master's variables were written, or swapped to other memory until the next call.
    pub(super) fn changed(&mut self) {
        self.version.changes += 1;
        for replica in &mut self.replicas {
            // If allocation fails, the next evaluation tries again.
            let _ = replica.each(|sync| sync.sync(true));
        }
    }

    /// Runs `work` on the master, on the calling thread.
    pub(super) fn on_master<T>(&self, work: impl FnOnce(&M, Device) -> Result<T>) -> Result<T> {
        let replica = self.master();
        catch_panic(|| work(&replica.model(), replica.device)).map_err(|cause| match cause {
            Error::LossWithoutGradient => cause,
            cause => Error::Replica { device: replica.device, replica: 0, samples: None, cause: Box::new(cause) },
        })
    }

    /// Returns the values, or the first error as an [`Error::Replica`] that names its replica.
    fn named<T>(&self, outcomes: Vec<Result<T>>, samples: &[i64]) -> Result<Vec<T>> {
        let named = outcomes.into_iter().enumerate().map(|(replica, outcome)| {
            let device = self.replicas[replica].device;
            let samples = (!samples.is_empty()).then(|| range_of_shard(samples, replica));
            outcome.map_err(|cause| Error::Replica { device, replica, samples, cause: Box::new(cause) })
        });
        named.collect()
    }
}

impl<M: Send + 'static> ReplicaSet<M> {
    /// Evaluates shards in parallel, one on each of the first replicas.
    pub(super) fn evaluate<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        batch: Sharded<E::Batch>,
        mode: Mode,
    ) -> Result<Vec<Evaluated<E>>> {
        let gradients = if gradient::is_enabled() { GradientMode::Graph } else { GradientMode::None };
        if gradients == GradientMode::Graph {
            self.version.record_graph();
        }
        let used = batch.shards.len();
        let found = self.enter(used, gradients, &batch.samples);
        let found = found.and_then(|()| self.run(evaluator, batch, mode, EvaluationRequest::Graph));
        // The evaluator may run a backward pass itself. Without a graph, the resulting gradients do not reach
        // the master's variables.
        let own = if gradients == GradientMode::None { self.take_gradients(1..used) } else { Ok(Vec::new()) };
        let left = self.leave();
        let found = found.and_then(|found| left.map(|()| found))?;
        let own = (1..).zip(own?).filter(|(_, gradients)| !gradients.of.is_empty()).collect::<Vec<_>>();
        if !own.is_empty() {
            self.version.step(true);
            self.add(own)?;
        }
        Ok(found)
    }

    /// Moves the gradients out of some replicas' variables, emptying all of them even if one fails.
    fn take_gradients(&mut self, of: Range<usize>) -> Result<Vec<Gradients>> {
        self.replicas[of].iter_mut().map(Replica::take_gradients).collect::<Vec<_>>().into_iter().collect()
    }

    /// Evaluates shards in parallel and adds the gradient of the whole batch to the master's. After an error, gradients
    /// are unchanged.
    pub(super) fn differentiate<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        batch: Sharded<E::Batch>,
        request: EvaluationRequest,
    ) -> Result<Whole<E>> {
        let used = batch.shards.len();
        let before = self.replicas[0].take_gradients()?;
        let found = self.enter(used, GradientMode::Apart, &batch.samples);
        let found = found.and_then(|()| self.differentiate_shards(evaluator, batch, request));
        let parts = self.take_gradients(0..used);
        let left = self.leave();
        // The master's previous gradients come first, so that the sum ends up in their memory.
        let mut sum = vec![(0, before)];
        let found = found.and_then(|found| left.map(|()| found)).and_then(|(whole, corrections)| {
            let mut parts = parts?;
            for (part, correction) in parts.iter_mut().zip(corrections) {
                correction.map_or(Ok(()), |factor| part.scale(&factor))?;
            }
            sum.extend(parts.into_iter().enumerate());
            Ok(whole)
        });
        self.add(sum)?;
        found
    }

    /// Computes each replica's gradient. Also returns the factors that correct these gradients.
    fn differentiate_shards<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        batch: Sharded<E::Batch>,
        request: EvaluationRequest,
    ) -> Result<(Whole<E>, Vec<Option<Tensor>>)> {
        let samples = batch.samples.clone();
        let found = self.run(evaluator, batch, Mode::Train, request)?;
        if !found.iter().any(|evaluated| evaluated.is_differentiated) {
            return Err(Error::LossWithoutGradient);
        }
        let (losses, diagnostics, outputs) = split(found);
        let diagnostics = gathered(diagnostics, &samples)?;
        let weights = LossWeights::new(&losses, &samples)?;
        let corrections = (0..losses.len()).map(|shard| weights.correction(shard)).collect::<Result<_>>()?;
        Ok(((weights.loss()?, diagnostics, outputs), corrections))
    }

    /// Prepares the first `used` replicas for an evaluation with the master's values.
    fn enter(&mut self, used: usize, gradients: GradientMode, samples: &[i64]) -> Result<()> {
        if gradient::is_enabled() {
            self.version.step(true);
        }
        let version = self.version;
        let entered = self
            .replicas
            .iter_mut()
            .take(used)
            .map(|replica| replica.each(|sync| sync.enter(gradients, version)))
            .collect();
        self.named(entered, samples)?;
        self.replicas.iter_mut().try_for_each(|replica| replica.each(VariableSync::count_writes))
    }

    /// Restores the replicas' variables for their graphs. Replicas without a shard also detect writes to the master.
    fn leave(&mut self) -> Result<()> {
        let left = self.replicas.iter_mut().map(|replica| replica.each(VariableSync::leave)).collect();
        self.replicas.iter_mut().for_each(Replica::invalidate_buffers);
        self.named(left, &[]).map(drop)
    }

    /// Evaluates each shard on its replica's thread. Waits for all shards, even if some fail.
    fn run<E: Evaluator<Model = M>>(
        &self,
        evaluator: &E,
        batch: Sharded<E::Batch>,
        mode: Mode,
        request: EvaluationRequest,
    ) -> Result<Vec<Evaluated<E>>> {
        let Sharded { shards, samples } = batch;
        separate(&self.devices()[..shards.len()])?;
        let records = gradient::is_enabled();
        let evaluators = catch_panic(|| Ok(vec![evaluator.clone(); shards.len()]));
        let evaluators = evaluators.map_err(|error| error.during("clone the evaluator"))?;
        let mut running = Vec::with_capacity(shards.len());
        for (index, (shard, evaluator)) in shards.into_iter().zip(evaluators).enumerate() {
            let (model, device) = (self.replicas[index].share_model(), self.replicas[index].device);
            let factor = (request != EvaluationRequest::Graph).then(|| part_of_samples(&samples, index));
            let work = move || {
                let model = model.lock().unwrap_or_else(PoisonError::into_inner);
                let (loss, diagnostics, output) = {
                    let _no_grad = (!records).then(no_grad_guard);
                    evaluate_on(&evaluator, &*model, device, &shard, mode)?
                };
                if request != EvaluationRequest::Gradient {
                    check_output(&output, &shard)?;
                }
                match factor {
                    Some(factor) => {
                        let output = if request == EvaluationRequest::GradientAndOutput {
                            Some(detached(&output)?)
                        } else {
                            None
                        };
                        Evaluated::differentiated(loss, diagnostics, output, factor)
                    }
                    None => Ok(Evaluated { loss, diagnostics, output: Some(output), is_differentiated: false }),
                }
            };
            running.push(self.workers[self.worker_of[index]].start(work));
        }
        self.named(running.into_iter().map(JobHandle::wait).collect(), &samples)
    }

    /// Adds the gradients of replicas to the master's, in order. Large sums on the CPU use the replicas' threads.
    fn add(&self, gradients: Vec<(usize, Gradients)>) -> Result<()> {
        const PARALLEL_ELEMENTS: usize = 1 << 16;
        let additions =
            gradients.into_iter().map(|(of, gradients)| self.replicas[of].additions(gradients, self.master()));
        let additions = additions.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect::<Vec<_>>();
        let elements = additions.iter().map(|addition| addition.gradient.numel()).sum::<usize>();
        if self.master().device != Device::Cpu || elements < PARALLEL_ELEMENTS {
            return additions.into_iter().try_for_each(Addition::apply);
        }
        let parts = distribute(additions, self.workers.len()).into_iter().zip(&self.workers);
        let running = parts.map(|(part, worker)| worker.start(move || part.into_iter().try_for_each(Addition::apply)));
        running.collect::<Vec<_>>().into_iter().try_for_each(JobHandle::wait)
    }
}
