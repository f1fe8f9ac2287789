//! `step_overhead`: the cost of booster's step beyond computing its tensors.

use std::hint::black_box;

use anyhow::Result;
use booster::tch::{Kind, Reduction, Tensor};
use indicatif::ProgressBar;

use crate::report::{Benchmark, Row, Unit};
use crate::training::{PAIRED, batches, booster_step, tch_step};

pub(crate) const BENCHMARK: Benchmark = Benchmark { keys: &["step_overhead"], rounds: PAIRED.all_rounds(), run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let batches = batches();
    let same_tensors = |logits: &Tensor, target: &Tensor| {
        let nll = logits.cross_entropy_loss::<Tensor>(target, None, Reduction::None, -100, 0.0);
        let accuracy = logits.argmax(-1, false).eq_tensor(target);
        drop(black_box(accuracy));
        nll.mean(Kind::Float)
    };
    let comparison = PAIRED.measure(progress, booster_step(&batches)?, tch_step(&batches, same_tensors)?)?;
    Ok(vec![Row::ratio("step_overhead", comparison, Unit::Micros, "tch, same tensors", 1.03)])
}
