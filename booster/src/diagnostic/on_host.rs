//! Sums of values that are on the host already.

use tch::{Device, Kind, Tensor};

use super::leaf::LeafRef;
use super::reduction::{Additive, Reduce, State};
use super::samples::Samples;
use super::seen::Seen;
use super::track::{Finite, Lifted};
use crate::error::Result;
use crate::stats;

/// More values than this are left to libtorch, whose sums use more than one core.
const FEW: usize = 4096;

/// The sums of a field's values that came as numbers or as small tensors on the CPU. No device has to be waited for
/// there, and adding them up at once costs less than keeping and joining handles.
#[derive(Debug, Default)]
pub(crate) struct HostSums {
    /// The sum of values by their weight, and the sum of weights: whole numbers as a rule, which need no compensation.
    weighted: Sum,
    weight: f64,
    /// The plain sum of values.
    plain: Sum,
    /// The number of samples.
    samples: f64,
    /// The first update with a value that is not finite.
    first: Option<u64>,
    /// Whether there was a value.
    any: bool,
}

/// What one value adds to the sums.
#[derive(Debug)]
pub(crate) struct Addend {
    weighted: f64,
    weight: f64,
    plain: f64,
    samples: f64,
}

impl Addend {
    /// The sums of a value that is on the host, and small; nothing for others.
    pub(crate) fn of(seen: &Seen<'_>, samples: &Samples) -> Result<Option<Self>> {
        let Some(plain) = sum_of(seen)? else { return Ok(None) };
        let (weighted, weight, samples) = match (seen.size.first(), samples) {
            (Some(&rows), _) => (plain, seen.size.iter().product::<i64>() as f64, rows as f64),
            // What stands for no sample may be anything.
            (None, Samples::Host(0.0)) => (0.0, 0.0, 0.0),
            (None, Samples::Host(samples)) => (plain * samples, *samples, *samples),
            (None, Samples::Device(_)) => return Ok(None),
        };
        Ok(Some(Self { weighted, weight, plain, samples }))
    }
}

impl HostSums {
    /// Takes the value of an update.
    pub(crate) fn add(&mut self, value: &Addend, update: u64) {
        if !value.weighted.is_finite() {
            self.first.get_or_insert(update);
        }
        self.weighted.add(value.weighted);
        self.weight += value.weight;
        self.plain.add(value.plain);
        self.samples += value.samples;
        self.any = true;
    }

    /// What they come to, as states of additive reductions; nothing where there was no value.
    pub(crate) fn lifted(&self, reduces: &[Reduce]) -> Result<Option<Lifted>> {
        if !self.any {
            return Ok(None);
        }
        let state = |reduce: &Reduce| {
            Ok(State::new([match reduce.additive() {
                Some(Additive::Mean) | None => Tensor::f_from_slice(&[self.weighted.total(), self.weight])?,
                Some(Additive::Sum) => Tensor::f_from_slice(&[self.plain.total()])?,
                Some(Additive::Count) => Tensor::f_from_slice(&[self.samples])?,
            }]))
        };
        let first = Tensor::f_from_slice(&[self.first.map_or(f64::INFINITY, |update| update as f64)])?;
        let states = reduces.iter().map(state).collect::<Result<_>>()?;
        Ok(Some(Lifted { states, finite: Finite { first, skipped: None } }))
    }
}

/// The sum of a number or of a small tensor on the CPU; nothing for others.
fn sum_of(seen: &Seen<'_>) -> Result<Option<f64>> {
    let LeafRef::Tensor(tensor) = seen.leaf else { return Ok(seen.leaf.number()) };
    let count = seen.size.iter().product::<i64>().unsigned_abs() as usize;
    if count > FEW || tensor.device() != Device::Cpu {
        return Ok(None);
    }
    Ok(match seen.kinds[0] {
        Some(Kind::Float) => Some(stats::fold_on_cpu(tensor, count, 0.0_f32, f64::from)?),
        Some(Kind::Double) => Some(stats::fold_on_cpu(tensor, count, 0.0_f64, |value| value)?),
        Some(Kind::Int64) => Some(stats::fold_on_cpu(tensor, count, 0_i64, |value| value as f64)?),
        Some(Kind::Bool) => Some(stats::fold_on_cpu(tensor, count, false, |value| f64::from(u8::from(value)))?),
        _ => None,
    })
}

/// A compensated sum (Neumaier, 1974).
#[derive(Debug, Default)]
struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        if sum.is_finite() {
            let larger_first = self.sum.abs() >= value.abs();
            self.lost += if larger_first { (self.sum - sum) + value } else { (value - sum) + self.sum };
        }
        self.sum = sum;
    }

    fn total(&self) -> f64 {
        self.sum + self.lost
    }
}
