//! `dp_one_replica`: a data-parallel pipeline with one replica against a plain one, on the model of `step_overhead`.

use anyhow::Result;
use booster::prelude::*;
use booster::tch::Device;
use indicatif::ProgressBar;

use crate::report::{Benchmark, Row, Unit};
use crate::training::{Measured, PAIRED, batches, net, step_of};

pub(crate) const BENCHMARK: Benchmark = Benchmark { keys: &["dp_one_replica"], rounds: PAIRED.all_rounds(), run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let batches = batches();
    booster::tch::manual_seed(1);
    let ours = step_of(DataParallelPipeline::build(&[Device::Cpu], net, Measured::new())?, &batches)?;
    booster::tch::manual_seed(1);
    let rival = step_of(Pipeline::build(Device::Cpu, net, Measured::new()), &batches)?;
    let comparison = PAIRED.measure(progress, ours, rival)?;
    Ok(vec![Row::ratio("dp_one_replica", comparison, Unit::Micros, "pipeline", 1.02)])
}
