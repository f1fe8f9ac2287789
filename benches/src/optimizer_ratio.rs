//! `optimizer_ratio`: a step of booster's Adam against tch's.

use anyhow::{Result, ensure};
use booster::optim::{Adam, Optimizer};
use booster::tch::nn::{self, OptimizerConfig, VarStore};
use booster::tch::{Device, Kind, Tensor};
use indicatif::ProgressBar;

use crate::paired::Paired;
use crate::report::{Benchmark, Row, Unit};
use crate::training::LEARNING_RATE;

const LAYERS: usize = 20;
const WIDTH: i64 = 128;
const PAIRED: Paired = Paired { rounds: 30, blocks: 10, steps: 20 };

pub(crate) const BENCHMARK: Benchmark = Benchmark { keys: &["optimizer_ratio"], rounds: PAIRED.all_rounds(), run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let (ours, theirs) = (layers(), layers());
    let mut fused = Adam::options(LEARNING_RATE).build(&ours)?;
    let mut rival = nn::Adam::default().build(&theirs, LEARNING_RATE)?;
    let comparison = PAIRED.measure(
        progress,
        |_| Ok(fused.step()?),
        |_| {
            rival.step();
            Ok(())
        },
    )?;
    for store in [&ours, &theirs] {
        let is_finite = |tensor: &Tensor| tensor.isfinite().all().int64_value(&[]) == 1;
        ensure!(store.trainable_variables().iter().all(is_finite), "weights must stay finite");
    }
    Ok(vec![Row::ratio("optimizer_ratio", comparison, Unit::Micros, "tch's Adam", 0.30)])
}

/// Returns the variables of linear layers, with gradients.
fn layers() -> VarStore {
    booster::tch::manual_seed(0);
    let store = VarStore::new(Device::Cpu);
    for layer in 0..LAYERS {
        nn::linear(store.root() / layer.to_string(), WIDTH, WIDTH, nn::LinearConfig::default());
    }
    store.trainable_variables().iter().for_each(|variable| variable.square().sum(Kind::Float).backward());
    store
}
