//! `step_total`: the cost of booster's step, including the tensors it measures.

use anyhow::Result;
use booster::tch::{Reduction, Tensor};
use indicatif::ProgressBar;

use crate::report::{Benchmark, Row, Unit};
use crate::training::{PAIRED, batches, booster_step, tch_step};

pub(crate) const BENCHMARK: Benchmark = Benchmark { keys: &["step_total"], rounds: PAIRED.all_rounds(), run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let batches = batches();
    let mean_loss = |logits: &Tensor, target: &Tensor| {
        logits.cross_entropy_loss::<Tensor>(target, None, Reduction::Mean, -100, 0.0)
    };
    let comparison = PAIRED.measure(progress, booster_step(&batches)?, tch_step(&batches, mean_loss)?)?;
    Ok(vec![Row::ratio("step_total", comparison, Unit::Micros, "tch, loss alone", 1.12)])
}
