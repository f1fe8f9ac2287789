//! The model, the data and booster's step, shared by the step benchmarks.

use std::hint::black_box;

use anyhow::Result;
use booster::evaluation::Labeled;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, Optimizer, OptimizerConfig, SequentialT};
use booster::tch::{Device, Kind, Reduction, Tensor};

use crate::paired::Paired;

const FEATURES: i64 = 64;
const HIDDEN: i64 = 128;
const CLASSES: i64 = 10;
const BATCH: i64 = 64;
const BATCHES: usize = 16;

/// The learning rate, too small to learn anything, so that the work per step stays constant.
///
/// If units died in training, Adam's moments would decay into subnormal numbers, which are slow.
pub(crate) const LEARNING_RATE: f64 = 1e-7;

/// The measurement, with one summary per round of 1000 steps, in turns of 25.
pub(crate) const PAIRED: Paired = Paired { rounds: 60, blocks: 40, steps: 25 };

/// Cross-entropy classification.
#[evaluator]
pub(crate) fn measured<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    #[group = "loss"]
    let nll: Tensor = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    #[group = "metrics"]
    let accuracy: Tensor = logits.f_argmax(-1, false)?.f_eq_tensor(&batch.target)?;
    Ok(nll.f_mean(Kind::Float)?)
}

pub(crate) fn net(path: &nn::Path<'_>) -> SequentialT {
    nn::seq_t()
        .add(nn::linear(path / "hidden", FEATURES, HIDDEN, nn::LinearConfig::default()))
        .add_fn(Tensor::relu)
        .add(nn::linear(path / "logits", HIDDEN, CLASSES, nn::LinearConfig::default()))
}

/// Returns the batches that both sides cycle through.
pub(crate) fn batches() -> Vec<Labeled> {
    booster::tch::manual_seed(0);
    let batch = |_| Labeled {
        input: Tensor::randn([BATCH, FEATURES], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(CLASSES, [BATCH], (Kind::Int64, Device::Cpu)),
    };
    (0..BATCHES).map(batch).collect()
}

/// Returns a full booster step: pipeline, typed diagnostics, aggregation, and a summary at the end of the round.
pub(crate) fn booster_step(batches: &[Labeled]) -> Result<impl FnMut(usize) -> Result<()>> {
    booster::tch::manual_seed(1);
    step_of(Pipeline::build(Device::Cpu, net, Measured::new()), batches)
}

/// Returns a full booster step for any pipeline.
pub(crate) fn step_of<P>(mut pipeline: P, batches: &[Labeled]) -> Result<impl FnMut(usize) -> Result<()>>
where
    P: EvaluationPipeline<Evaluator = Measured<SequentialT>>,
{
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), LEARNING_RATE)?;
    let mut mean = Aggregator::new();
    Ok(move |step| {
        mean.update(&training_step(&mut pipeline, &batches[step % BATCHES], &mut optimizer)?)?;
        if step + 1 == PAIRED.round() {
            black_box(mean.summary()?);
            mean.reset();
        }
        Ok(())
    })
}

/// Returns a step in plain tch, with the loss that `loss` computes from logits and targets.
pub(crate) fn tch_step(
    batches: &[Labeled],
    loss: impl Fn(&Tensor, &Tensor) -> Tensor,
) -> Result<impl FnMut(usize) -> Result<()>> {
    booster::tch::manual_seed(1);
    let var_store = nn::VarStore::new(Device::Cpu);
    let model = net(&var_store.root());
    let mut optimizer: Optimizer = nn::Adam::default().build(&var_store, LEARNING_RATE)?;
    Ok(move |step| {
        let Labeled { input, target } = &batches[step % BATCHES];
        optimizer.backward_step(&loss(&model.forward_t(input, true), target));
        Ok(())
    })
}
