//! All replicas with their threads: what is done on each of them.

use booster_sys::scalar::ScalarOps as _;
use std::ops::Range;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, channel};

use booster_sys::gradient;
use tch::nn::{Path, VarStore};
use tch::{Cuda, Device, Kind, Tensor, no_grad, no_grad_guard};

use super::age::Age;
use super::draws::{self, Draws, States};
use super::gradients::{Addition, Gradients, dealt};
use super::link::Flow;
use super::parts::{Evaluated, gathered, split};
use super::replica::Replica;
use super::shares::{Part, Shares};
use super::worker::{Pending, Worker, caught};
use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::pipeline::{Objective, evaluate_on};

/// The replicas of a model. The first is the master.
#[derive(Debug)]
pub(super) struct ReplicaSet<M> {
    replicas: Vec<Replica<M>>,
    /// One for each replica; none where there is but one.
    workers: Vec<Worker>,
    /// How many threads each replica on the CPU has within an operation.
    threads: i32,
    draws: Draws,
    age: Age,
}

/// How replicas are to evaluate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) mode: Mode,
    /// Whether a graph is recorded.
    pub(super) records: bool,
    pub(super) purpose: Purpose,
}

impl Order {
    fn flow(self) -> Flow {
        match self.purpose {
            Purpose::Gradient(_) => Flow::Apart,
            Purpose::Output if self.records => Flow::Graph,
            Purpose::Output => Flow::None,
        }
    }
}

/// What an evaluation is for, beside loss and diagnostics.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Output,
    Gradient(Objective),
}

impl<M> ReplicaSet<M> {
    /// Builds a model on each device, and starts the threads. The variables are the master's.
    pub(super) fn build(devices: &[Device], model: impl Fn(&Path<'_>) -> M) -> Result<(VarStore, Self)> {
        let first = *devices.first().ok_or(Error::NoDevice)?;
        let on = |replica: usize| {
            let device = devices[replica];
            move |cause| Error::Replica { device, replica, samples: None, cause: Box::new(cause) }
        };
        for (replica, device) in devices.iter().enumerate() {
            available(*device).map_err(on(replica))?;
        }
        let variables = VarStore::new(first);
        let master = caught(|| Ok(model(&variables.root()))).map_err(on(0))?;
        let mut replicas = vec![Replica::master(master, &variables)];
        let states = States::of(draws::distinct(devices.iter().copied()))?;
        for (index, &device) in devices.iter().enumerate().skip(1) {
            replicas.push(Replica::build(device, &model, &variables).map_err(on(index))?);
        }
        states.restore()?;

        let on_cpu = devices.iter().filter(|device| **device == Device::Cpu).count().max(1);
        let threads = (tch::get_num_threads() / on_cpu as i32).max(1);
        let mut all = Self { replicas, workers: Vec::new(), threads, draws: Draws::default(), age: Age::default() };
        if devices.len() > 1 {
            all.workers = (0..devices.len()).map(|index| all.worker(index)).collect::<Result<_>>()?;
        }
        Ok((variables, all))
    }

    fn worker(&self, replica: usize) -> Result<Worker> {
        Worker::spawn(format!("replica {replica}"), self.threads)
    }
}

impl<M> ReplicaSet<M> {
    pub(super) fn len(&self) -> usize {
        self.replicas.len()
    }

    pub(super) fn devices(&self) -> Vec<Device> {
        self.replicas.iter().map(|replica| replica.device).collect()
    }

    /// An optimizer has stepped on all gradients that there were.
    pub(super) fn step(&mut self) {
        self.age.step();
    }

    /// The master's variables were written in a way that libtorch does not count.
    pub(super) fn change(&mut self) {
        self.age.change();
    }

    pub(super) fn master(&self) -> &Replica<M> {
        &self.replicas[0]
    }

    /// Lets the master do something alone, on this thread.
    pub(super) fn alone<T>(&mut self, work: impl FnOnce(&M, Device) -> Result<T>) -> Result<T> {
        let records = gradient::is_enabled();
        if records {
            self.age.record();
        }
        let replica = self.master();
        let outcome = caught(|| work(&replica.model(), replica.device));
        outcome.map_err(|cause| match cause {
            // A batch that is none is nobody's fault but the caller's.
            Error::EmptyBatch | Error::BatchLength { .. } | Error::BatchScalar { .. } | Error::LossWithoutGradient => {
                cause
            }
            cause => Error::Replica { device: replica.device, replica: 0, samples: None, cause: Box::new(cause) },
        })
    }
}

impl<M: Send + 'static> ReplicaSet<M> {
    /// Evaluates shards side by side, one on each of the first replicas. All finish, whatever becomes of the others.
    pub(super) fn evaluate<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        shards: Vec<E::Batch>,
        samples: &[i64],
        order: Order,
    ) -> Result<Vec<Evaluated<E>>> {
        let devices = self.devices().into_iter().take(shards.len()).collect::<Vec<_>>();
        draws::separate(&devices)?;
        let shared = draws::shared(&devices);
        if shared.is_empty() || self.draws.are_made_in(order.mode) {
            return self.evaluate_in_turns(evaluator, shards, samples, order, &shared);
        }
        let again = shards.iter().map(Batch::share).collect::<Result<Vec<_>>>()?;
        let states = States::of(shared.iter().copied())?;
        let buffers = self.replicas[1].buffers_before(order.mode)?;
        let evaluated = self.evaluate_in_turns(evaluator, shards, samples, order, &[])?;
        if states.are_current()? {
            return Ok(evaluated);
        }
        // They drew at the same time, or another thread did: once more from the start, in turns.
        drop(evaluated);
        if let Purpose::Gradient(_) = order.purpose {
            drop(self.take_gradients()?);
        }
        states.restore()?;
        no_grad(|| buffers.into_iter().try_for_each(|(mut buffer, before)| buffer.f_copy_(&before)))?;
        let evaluated = self.evaluate_in_turns(evaluator, again, samples, order, &shared)?;
        if !states.are_current()? {
            self.draws.were_made_in(order.mode);
        }
        Ok(evaluated)
    }

    /// Evaluates shards side by side, but one after the other on the devices `in_turns`.
    fn evaluate_in_turns<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        shards: Vec<E::Batch>,
        sizes: &[i64],
        order: Order,
        in_turns: &[Device],
    ) -> Result<Vec<Evaluated<E>>> {
        if order.records {
            self.age.record();
        }
        let age = self.age;
        let followed = self.replicas.iter_mut().take(shards.len()).map(|replica| replica.follow(order.flow(), age));
        let followed = followed.collect();
        self.collect(followed, sizes)?;
        let mut turns = Vec::<(Device, Receiver<()>)>::new();
        let mut running = Vec::with_capacity(shards.len());
        for (index, shard) in shards.into_iter().enumerate() {
            let Replica { device, .. } = self.replicas[index];
            if in_turns.contains(&device) {
                for (_, turn) in turns.iter().filter(|(other, _)| *other == device) {
                    // It never says anything: it is over when the other end is gone.
                    let _ = turn.recv();
                }
            }
            let (draws, turn) = channel::<()>();
            turns.push((device, turn));
            let (evaluator, model) = (evaluator.clone(), self.replicas[index].share_model());
            let samples = sizes[index] as f64;
            let fraction = samples / sizes.iter().sum::<i64>() as f64;
            let work = move || {
                let model = model.lock().unwrap_or_else(PoisonError::into_inner);
                let (loss, diagnostics, output) = {
                    let _no_grad = (!order.records).then(no_grad_guard);
                    evaluate_on(&evaluator, &*model, device, &shard, order.mode)?
                };
                // The next one's turn: nothing is drawn in backward.
                drop(draws);
                let output = matches!(order.purpose, Purpose::Output).then_some(output);
                let found = Evaluated { loss, diagnostics, output, differentiated: None };
                match order.purpose {
                    Purpose::Gradient(Objective::Mean) => found.differentiate(fraction),
                    Purpose::Gradient(Objective::Sum) => found.differentiate(samples),
                    Purpose::Output => Ok(found),
                }
            };
            running.push(self.workers[index].start(work));
        }
        let outcomes = running.into_iter().map(Pending::wait).collect();
        if order.mode.is_train() {
            self.replicas.iter_mut().for_each(Replica::forget_buffers);
        }
        self.collect(outcomes, sizes)
    }

    /// Evaluates shards side by side and adds the gradient of the whole batch to the master's. After an error gradients
    /// are as they were.
    pub(super) fn differentiate<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        shards: Vec<E::Batch>,
        samples: &[i64],
        objective: Objective,
    ) -> Result<(Loss, E::Diagnostics)> {
        // What the master had before comes first: the sum is in its memory.
        let mut gradients = vec![(0, self.replicas[0].take_gradients()?)];
        let found = self.differentiate_shards(evaluator, shards, samples, objective);
        let parts = self.take_gradients()?;
        if found.is_ok() {
            gradients.extend(parts.into_iter().enumerate());
        }
        self.add(gradients)?;
        found
    }

    fn take_gradients(&mut self) -> Result<Vec<Gradients>> {
        self.replicas.iter_mut().map(Replica::take_gradients).collect()
    }

    /// Leaves each replica with the gradient of its part of the objective.
    fn differentiate_shards<E: Evaluator<Model = M>>(
        &mut self,
        evaluator: &E,
        shards: Vec<E::Batch>,
        samples: &[i64],
        objective: Objective,
    ) -> Result<(Loss, E::Diagnostics)> {
        let purpose = Purpose::Gradient(objective);
        let order = Order { mode: Mode::Train, records: gradient::is_enabled(), purpose };
        let found = self.evaluate(evaluator, shards, samples, order)?;
        let done = found.iter().map(|evaluated| evaluated.differentiated).collect::<Vec<_>>();
        let (losses, diagnostics, _) = split(found);
        let diagnostics = gathered(diagnostics, samples)?;
        let weights = Shares::new(&losses, samples)?;
        let whole = weights.loss()?.detached()?;
        if !losses.iter().zip(&done).any(|(loss, done)| done.is_some() || loss.requires_grad()) {
            return Err(Error::LossWithoutGradient);
        }
        if let Some(parts) = weights.own_parts(objective, &whole)? {
            let mut running = Vec::with_capacity(parts.len());
            for (index, (part, done)) in parts.into_iter().zip(done).enumerate() {
                let Part { objective, factor } = part;
                running.push(match done {
                    // It was taken for a mean over samples, before another shard's turned out to be none.
                    Some(was) => self.replicas[index].scale_gradients(&factor.try_div_scalar(was)?).map(|()| None)?,
                    None if objective.requires_grad() => {
                        Some(self.workers[index].start(move || Ok(objective.f_backward()?)))
                    }
                    None => None,
                });
            }
            let outcomes = running.into_iter().map(|pending| pending.map_or(Ok(()), Pending::wait)).collect();
            self.collect(outcomes, &[])?;
        }
        Ok((whole, diagnostics))
    }

    /// Adds gradients, each with the replica that it is of, to the master's, in their order. On the CPU the replicas'
    /// threads do it side by side where that is worth waking them for.
    fn add(&mut self, gradients: Vec<(usize, Gradients)>) -> Result<()> {
        const WORTHWHILE: usize = 1 << 16;
        let additions =
            gradients.into_iter().map(|(of, gradients)| self.replicas[of].additions(gradients, self.master()));
        let additions = additions.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect::<Vec<_>>();
        let numbers = additions.iter().map(|addition| addition.gradient.numel()).sum::<usize>();
        if self.master().device != Device::Cpu || numbers < WORTHWHILE {
            return additions.into_iter().try_for_each(Addition::make);
        }
        let parts = dealt(additions, self.workers.len()).into_iter().zip(&self.workers);
        let running = parts.map(|(part, worker)| worker.start(move || part.into_iter().try_for_each(Addition::make)));
        let outcomes = running.collect::<Vec<_>>().into_iter().map(Pending::wait).collect();
        self.collect(outcomes, &[]).map(drop)
    }

    /// The outcomes, or the first error with its replica. A thread that panicked is replaced: what libtorch keeps for
    /// each thread (autocast) is as the panic left it.
    fn collect<T>(&mut self, outcomes: Vec<Result<T>>, sizes: &[i64]) -> Result<Vec<T>> {
        for (index, outcome) in outcomes.iter().enumerate() {
            if matches!(outcome, Err(Error::Panicked { .. })) {
                self.workers[index] = self.worker(index)?;
            }
        }
        let named = outcomes.into_iter().enumerate().map(|(replica, outcome)| {
            let device = self.replicas[replica].device;
            let samples = || (!sizes.is_empty()).then(|| range(sizes, replica));
            outcome.map_err(|cause| Error::Replica { device, replica, samples: samples(), cause: Box::new(cause) })
        });
        named.collect()
    }
}

/// The samples of the batch that are a shard's.
fn range(sizes: &[i64], shard: usize) -> Range<i64> {
    let start = sizes.iter().take(shard).sum();
    start..start + sizes.get(shard).copied().unwrap_or(0)
}

/// Whether libtorch can use a device.
fn available(device: Device) -> Result<()> {
    let found = Cuda::device_count();
    if let Device::Cuda(index) = device
        && index as i64 >= found
    {
        return Err(Error::NoSuchDevice { device, found });
    }
    let _ = Tensor::f_empty([0], (Kind::Uint8, device))?;
    Ok(())
}
