//! `dp_grad_error`: the largest gradient error over all ways to split 1 to 9 samples into 1 to 4 shards, relative to
//! one device. The rival averages the gradients of the shards' means.

use anyhow::Result;
use booster::evaluation::Labeled;
use booster::prelude::*;
use booster::tch::{Device, Tensor};
use indicatif::ProgressBar;

use crate::paired::Spread;
use crate::report::{Benchmark, Row, Unit};
use crate::training::{Measured, batches, net};

const SAMPLES: i64 = 9;
const REPLICAS: usize = 4;

pub(crate) const BENCHMARK: Benchmark =
    Benchmark { keys: &["dp_grad_error"], rounds: SAMPLES as usize * REPLICAS, run };

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let (mut ours, mut rival) = (0.0_f64, 0.0_f64);
    for replicas in 1..=REPLICAS {
        for samples in 1..=SAMPLES {
            let batch = batches()[0].samples(0..samples)?;
            booster::tch::manual_seed(1);
            let mut one = Pipeline::build(Device::Cpu, net, Measured::new());
            booster::tch::manual_seed(1);
            let mut many = DataParallelPipeline::build(&vec![Device::Cpu; replicas], net, Measured::new())?;
            let expected = gradients(&mut one, &[&batch])?;
            let shards = batch.shards(replicas)?;
            ours = ours.max(error(&gradients(&mut many, &[&batch])?, &expected));
            rival = rival.max(error(&gradients(&mut one, &shards.iter().collect::<Vec<_>>())?, &expected));
            progress.inc(1);
        }
    }
    let spread = |number: f64| Spread::of([number].into_iter());
    Ok(vec![Row::time("dp_grad_error", spread(ours)?, spread(rival)?, Unit::Relative, "mean of shards' means", 1e-6)])
}

/// Returns the mean of the batches' gradients.
fn gradients<P>(pipeline: &mut P, batches: &[&Labeled]) -> Result<Vec<Tensor>>
where
    P: EvaluationPipeline,
    P::Evaluator: Evaluator<Batch = Labeled>,
{
    let mut variables = pipeline.var_store().trainable_variables();
    variables.iter_mut().for_each(Tensor::zero_grad);
    for batch in batches {
        pipeline.backward(batch)?;
    }
    Ok(variables.iter().map(|variable| variable.grad() / batches.len() as f64).collect())
}

/// Returns the largest difference between entries, relative to the largest entry of the same variable.
fn error(found: &[Tensor], expected: &[Tensor]) -> f64 {
    let of_variable = |(found, expected): (&Tensor, &Tensor)| {
        (found - expected).abs().max().double_value(&[]) / expected.abs().max().double_value(&[])
    };
    found.iter().zip(expected).map(of_variable).fold(0.0, f64::max)
}
