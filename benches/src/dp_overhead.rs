//! `dp_overhead`: a step on two replicas against two handwritten threads, for batches of 512, 64 and 4096.

use anyhow::Result;
use booster::prelude::*;
use indicatif::ProgressBar;

use crate::data_parallel::{ByHand, TWO, batch, net, step_of};
use crate::paired::Paired;
use crate::report::{Benchmark, Row, Unit};
use crate::training::Measured;

const ROUNDS: usize = 20;

/// The keys with their batch sizes and steps per turn; a round has two turns per side.
const SIZES: [(&str, i64, usize); 3] =
    [("dp_overhead", 512, 4), ("dp_overhead_64", 64, 12), ("dp_overhead_4096", 4096, 1)];

pub(crate) const BENCHMARK: Benchmark = Benchmark {
    keys: &["dp_overhead", "dp_overhead_64", "dp_overhead_4096"],
    rounds: 3 * Paired { rounds: ROUNDS, blocks: 2, steps: 1 }.all_rounds(),
    run,
};

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let measure = |(key, samples, steps): (&'static str, i64, usize)| {
        let batch = batch(samples);
        booster::tch::manual_seed(1);
        let pipeline = DataParallelPipeline::build(&TWO, net, Measured::new())?;
        let mut by_hand = ByHand::new()?;
        let paired = Paired { rounds: ROUNDS, blocks: 2, steps };
        let comparison = paired.measure(progress, step_of(pipeline, &batch)?, |_| by_hand.step(&batch))?;
        Ok(Row::ratio(key, comparison, Unit::Millis, "two threads by hand", 1.05))
    };
    SIZES.into_iter().map(measure).collect()
}
