//! `aggregate_us_per_leaf`: the cost of `Aggregator::update` per leaf, including its share of a summary.
//!
//! `aggregate_us_per_leaf_device` measures leaves that are buffered and reduced together, as on a GPU; half precision
//! takes that path on a CPU too.

use std::array;
use std::hint::black_box;

use anyhow::Result;
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};
use indicatif::ProgressBar;

use crate::paired::{Paired, Spread};
use crate::report::{Benchmark, Row, Unit};

/// The measurement, with one summary per round of 2000 updates.
const PAIRED: Paired = Paired { rounds: 60, blocks: 10, steps: 200 };
const SAMPLES: i64 = 64;
/// The number of diagnostics, which are created beforehand and reused in a cycle.
const RING: usize = 16;
const GOAL: f64 = 0.25;
/// The goal for device leaves on the CPU, where a half-precision sum converts its values first.
const DEVICE_GOAL: f64 = 1.0;

const FEW: &str = "aggregate_us_per_leaf_8";
const MANY: &str = "aggregate_us_per_leaf_32";
const WORSE: &str = "aggregate_us_per_leaf";

const DEVICE_FEW: &str = "aggregate_us_per_leaf_device_8";
const DEVICE_MANY: &str = "aggregate_us_per_leaf_device_32";
const DEVICE_WORSE: &str = "aggregate_us_per_leaf_device";

pub(crate) const BENCHMARK: Benchmark = Benchmark {
    keys: &[WORSE, FEW, MANY, DEVICE_WORSE, DEVICE_FEW, DEVICE_MANY],
    rounds: 4 * PAIRED.all_rounds(),
    run,
};

fn run(progress: &ProgressBar) -> Result<Vec<Row>> {
    let on_host = rows(progress, Kind::Float, [WORSE, FEW, MANY], GOAL)?;
    let on_device = rows(progress, Kind::Half, [DEVICE_WORSE, DEVICE_FEW, DEVICE_MANY], DEVICE_GOAL)?;
    Ok(on_host.into_iter().chain(on_device).collect())
}

/// Returns the rows for one kind of leaf: the worse of the results for 8 and 32 leaves, then both.
fn rows(progress: &ProgressBar, kind: Kind, keys: [&'static str; 3], goal: f64) -> Result<[Row; 3]> {
    let few = measure::<Eight, 8>(progress, kind)?;
    let many = measure::<ThirtyTwo, 32>(progress, kind)?;
    let worse = if few.0.median >= many.0.median { few } else { many };
    let row = |key, (ours, rival)| Row::time(key, ours, rival, Unit::Micros, "tch, sum and add", goal);
    Ok([row(keys[0], worse), row(keys[1], few), row(keys[2], many)])
}

/// Measures the seconds per leaf for booster and the rival.
fn measure<D: OfLeaves<N>, const N: usize>(progress: &ProgressBar, kind: Kind) -> Result<(Spread, Spread)> {
    booster::tch::manual_seed(0);
    let leaf = |_| Tensor::rand([SAMPLES], (Kind::Float, Device::Cpu)).to_kind(kind);
    let ring: [[Tensor; N]; RING] = array::from_fn(|_| array::from_fn(leaf));
    let diagnostics = ring.each_ref().map(D::of);

    let mut mean = Aggregator::new();
    let ours = |step| {
        mean.update(&diagnostics[step % RING])?;
        if step + 1 == PAIRED.round() {
            black_box(mean.summary()?);
            mean.reset();
        }
        Ok(())
    };

    let zero = |_| Tensor::from(0.0_f32);
    let mut sums: [Tensor; N] = array::from_fn(zero);
    let rival = |step| {
        let leaves: &[Tensor; N] = &ring[step % RING];
        for (sum, leaf) in sums.iter_mut().zip(leaves) {
            *sum = sum.f_add(&leaf.f_sum(Kind::Float)?)?;
        }
        if step + 1 == PAIRED.round() {
            for sum in &sums {
                black_box(f64::try_from(sum)?);
            }
            sums = array::from_fn(zero);
        }
        Ok(())
    };

    let comparison = PAIRED.measure(progress, ours, rival)?;
    let per_leaf = |spread: Spread| spread.times(1.0 / N as f64);
    Ok((per_leaf(comparison.ours), per_leaf(comparison.rival)))
}

/// Diagnostics of `N` per-sample leaves.
trait OfLeaves<const N: usize>: Diagnostic {
    fn of(leaves: &[Tensor; N]) -> Self;
}

macro_rules! of_leaves {
    ($name:ident, $number:literal: $($leaf:ident)+) => {
        #[derive(Diagnostic)]
        struct $name {
            $(#[group = "values"] $leaf: Tensor,)+
        }

        impl OfLeaves<$number> for $name {
            fn of(leaves: &[Tensor; $number]) -> Self {
                let [$($leaf),+] = leaves.each_ref().map(Tensor::shallow_clone);
                Self { $($leaf),+ }
            }
        }
    };
}

of_leaves! { Eight, 8: a0 a1 a2 a3 a4 a5 a6 a7 }
of_leaves! {
    ThirtyTwo, 32:
    a0 a1 a2 a3 a4 a5 a6 a7 b0 b1 b2 b3 b4 b5 b6 b7
    c0 c1 c2 c3 c4 c5 c6 c7 d0 d1 d2 d3 d4 d5 d6 d7
}
