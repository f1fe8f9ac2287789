//! `dp_two_ways`: one backward pass per replica, each on its own thread, as in a training step, against a single
//! backward pass through the graphs of all replicas, as after `evaluate`.

use anyhow::Result;
use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use indicatif::ProgressBar;

use crate::data_parallel::{TWO, batch, net, step_of};
use crate::paired::Paired;
use crate::report::{Benchmark, Row, Unit};
use crate::training::{LEARNING_RATE, Measured};

const PAIRED: Paired = Paired { rounds: 20, blocks: 2, steps: 4 };

pub(crate) const BENCHMARK: Benchmark = Benchmark { keys: &["dp_two_ways"], rounds: PAIRED.all_rounds(), run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let batch = batch(512);
    let ours = step_of(DataParallelPipeline::build(&TWO, net, Measured::new())?, &batch)?;
    let mut pipeline = DataParallelPipeline::build(&TWO, net, Measured::new())?;
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), LEARNING_RATE)?;
    // No thread limit: the backward pass on this thread may use both cores.
    let through_graph = |_| {
        optimizer.zero_grad();
        let (loss, ..) = pipeline.evaluate(&batch, Mode::Train)?;
        booster::tch::set_num_threads(2);
        loss.backward()?;
        booster::tch::set_num_threads(1);
        optimizer.step();
        Ok(())
    };
    let comparison = PAIRED.measure(progress, ours, through_graph)?;
    Ok(vec![Row::ratio("dp_two_ways", comparison, Unit::Millis, "one backward for all", 1.0)])
}
