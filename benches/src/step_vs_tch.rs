//! `step_vs_tch`: a training step with aggregation and checks, against a typical loop in plain tch.
//!
//! Both compute the loss and the accuracy of each sample, clip the gradient norm and step Adam. booster also aggregates
//! and checks for non-finite values.

use std::hint::black_box;

use anyhow::{Result, ensure};
use booster::evaluation::Labeled;
use booster::optim::Adam;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT as _, OptimizerConfig as _, SequentialT, VarStore};
use booster::tch::{Device, Kind, Reduction, Tensor};
use indicatif::ProgressBar;

use crate::paired::Paired;
use crate::report::{Benchmark, Row, Unit};
use crate::training::{LEARNING_RATE, Measured};

const BATCH: i64 = 64;
const CLIP: f64 = 1.0;
const PAIRED: Paired = Paired { rounds: 30, blocks: 10, steps: 10 };
/// The widths of the layers.
const MLP: &[i64] = &[64, 128, 10];
const DEEP: &[i64] = &[128; 21];

pub(crate) const BENCHMARK: Benchmark =
    Benchmark { keys: &["step_vs_tch", "step_vs_tch_deep"], rounds: 2 * PAIRED.all_rounds(), run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let measure = |key, widths: &'static [i64]| {
        let batch = batch(widths);
        let comparison = PAIRED.measure(progress, booster_step(widths, &batch)?, tch_step(widths, &batch)?)?;
        anyhow::Ok(Row::ratio(key, comparison, Unit::Micros, "tch's loop and Adam", 0.80))
    };
    Ok(vec![measure("step_vs_tch", MLP)?, measure("step_vs_tch_deep", DEEP)?])
}

fn net(path: &nn::Path<'_>, widths: &[i64]) -> SequentialT {
    widths.windows(2).enumerate().fold(nn::seq_t(), |net, (index, pair)| {
        let net = if index == 0 { net } else { net.add_fn(Tensor::relu) };
        net.add(nn::linear(path / index.to_string(), pair[0], pair[1], nn::LinearConfig::default()))
    })
}

fn batch(widths: &[i64]) -> Labeled {
    booster::tch::manual_seed(0);
    Labeled {
        input: Tensor::randn([BATCH, widths[0]], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(10, [BATCH], (Kind::Int64, Device::Cpu)),
    }
}

fn booster_step(widths: &'static [i64], batch: &Labeled) -> Result<impl FnMut(usize) -> Result<()>> {
    booster::tch::manual_seed(1);
    let mut pipeline = Pipeline::build(Device::Cpu, |path| net(path, widths), Measured::new());
    let optimizer = Adam::options(LEARNING_RATE).build(pipeline.var_store())?;
    let mut trainer = Trainer::builder(optimizer).clip_norm(CLIP).build()?;
    let mut mean = Aggregator::new();
    Ok(move |step| {
        mean.update(&trainer.step(&mut pipeline, batch)?)?;
        if step + 1 == PAIRED.round() {
            black_box(mean.summary()?);
            mean.reset();
            // Returns an error unless all losses and gradients were finite.
            trainer.check()?;
        }
        Ok(())
    })
}

fn tch_step(widths: &[i64], batch: &Labeled) -> Result<impl FnMut(usize) -> Result<()>> {
    booster::tch::manual_seed(1);
    let store = VarStore::new(Device::Cpu);
    let model = net(&store.root(), widths);
    let mut optimizer = nn::Adam::default().build(&store, LEARNING_RATE)?;
    Ok(move |step| {
        let logits = model.forward_t(&batch.input, true);
        let nll = logits.cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0);
        let accuracy = logits.argmax(-1, false).eq_tensor(&batch.target);
        drop(black_box(accuracy));
        let loss = nll.mean(Kind::Float);
        optimizer.backward_step_clip_norm(&loss, CLIP);
        if step + 1 == PAIRED.round() {
            ensure!(loss.double_value(&[]).is_finite(), "the loss must stay finite");
        }
        Ok(())
    })
}
