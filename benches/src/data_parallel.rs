//! A larger model, its data and a step on two replicas, shared by the data parallelism benchmarks.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use booster::evaluation::Labeled;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, Optimizer, OptimizerConfig, SequentialT};
use booster::tch::{Device, Kind, Reduction, TchError, Tensor};
use booster_sys::gradient;

use crate::training::{LEARNING_RATE, Measured};

const FEATURES: i64 = 784;
const HIDDEN: i64 = 1024;
const CLASSES: i64 = 10;

pub(crate) const TWO: [Device; 2] = [Device::Cpu; 2];

pub(crate) fn net(path: &nn::Path<'_>) -> SequentialT {
    let linear = |name, inputs, outputs| nn::linear(path / name, inputs, outputs, nn::LinearConfig::default());
    nn::seq_t()
        .add(linear("first", FEATURES, HIDDEN))
        .add_fn(Tensor::relu)
        .add(linear("second", HIDDEN, HIDDEN))
        .add_fn(Tensor::relu)
        .add(linear("logits", HIDDEN, CLASSES))
}

pub(crate) fn batch(samples: i64) -> Labeled {
    booster::tch::manual_seed(0);
    Labeled {
        input: Tensor::randn([samples, FEATURES], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(CLASSES, [samples], (Kind::Int64, Device::Cpu)),
    }
}

/// Returns a training step for any pipeline.
pub(crate) fn step_of<P>(mut pipeline: P, batch: &Labeled) -> Result<impl FnMut(usize) -> Result<()>>
where
    P: EvaluationPipeline<Evaluator = Measured<SequentialT>>,
{
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), LEARNING_RATE)?;
    Ok(move |_| {
        training_step(&mut pipeline, batch, &mut optimizer)?;
        Ok(())
    })
}

/// Two replicas on two threads, written in plain tch for this model: they share the memory of the weights, add their
/// gradients and concatenate their per-sample tensors.
pub(crate) struct ByHand {
    model: SequentialT,
    variables: Vec<Tensor>,
    optimizer: Optimizer,
    shards: Sender<Labeled>,
    found: Receiver<Found>,
    second: Option<JoinHandle<()>>,
}

/// The loss, the per-sample tensors and the gradients of a shard.
type Found = (Tensor, Tensor, Tensor, Vec<Tensor>);

impl ByHand {
    pub(crate) fn new() -> Result<Self> {
        booster::tch::manual_seed(1);
        let store = nn::VarStore::new(Device::Cpu);
        let model = net(&store.root());
        let variables = store.trainable_variables();
        let optimizer = nn::Adam::default().build(&store, LEARNING_RATE)?;
        let weights = variables.iter().map(Tensor::detach).collect::<Vec<_>>();
        let (shards, to_do) = channel::<Labeled>();
        let (done, found) = channel();
        let (ready, is_ready) = channel();
        let second = std::thread::spawn(move || {
            booster::tch::set_num_threads(1);
            let store = nn::VarStore::new(Device::Cpu);
            let model = net(&store.root());
            let mut variables = store.trainable_variables();
            variables.iter_mut().zip(&weights).for_each(|(variable, weight)| variable.set_data(weight));
            // No random numbers are drawn after this point.
            if ready.send(()).is_err() {
                return;
            }
            for shard in to_do {
                let (loss, nll, accuracy) = evaluate(&model, &shard);
                let gradients = variables.iter_mut().map(taken).collect::<Result<_, TchError>>();
                // Leaving the loop closes the channel; after a panic, the first thread would wait forever.
                let Ok(gradients) = gradients else { break };
                if done.send((loss, nll, accuracy, gradients)).is_err() {
                    break;
                }
            }
        });
        is_ready.recv().context("the second thread failed to start")?;
        Ok(Self { model, variables, optimizer, shards, found, second: Some(second) })
    }

    pub(crate) fn step(&mut self, batch: &Labeled) -> Result<()> {
        let samples = batch.target.size()[0];
        let shard = |range| batch.samples(range);
        self.optimizer.zero_grad();
        self.shards.send(shard(samples / 2..samples)?).ok().context("the second thread has ended")?;
        let (loss, nll, accuracy) = evaluate(&self.model, &shard(0..samples / 2)?);
        let (other_loss, other_nll, other_accuracy, gradients) = self.found.recv()?;
        for (variable, gradient) in self.variables.iter().zip(gradients) {
            let _ = variable.grad().g_add_(&gradient);
        }
        drop(std::hint::black_box((loss + other_loss) * 0.5));
        drop(std::hint::black_box(Tensor::cat(&[nll, other_nll], 0)));
        drop(std::hint::black_box(Tensor::cat(&[accuracy, other_accuracy], 0)));
        self.optimizer.step();
        Ok(())
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        self.shards = channel().0;
        if let Some(second) = self.second.take() {
            let _ = second.join();
        }
    }
}

/// Takes the gradient of a variable, which is cheaper than filling it with zeros.
fn taken(variable: &mut Tensor) -> Result<Tensor, TchError> {
    let gradient = variable.f_grad()?;
    gradient::set(variable, None)?;
    Ok(gradient)
}

/// Runs the forward and backward passes of half a batch.
fn evaluate(model: &SequentialT, shard: &Labeled) -> (Tensor, Tensor, Tensor) {
    let logits = model.forward_t(&shard.input, true);
    let nll = logits.cross_entropy_loss::<Tensor>(&shard.target, None, Reduction::None, -100, 0.0);
    let accuracy = logits.argmax(-1, false).eq_tensor(&shard.target);
    let loss = nll.mean(Kind::Float);
    (&loss * 0.5).backward();
    (loss.detach(), nll.detach(), accuracy)
}
