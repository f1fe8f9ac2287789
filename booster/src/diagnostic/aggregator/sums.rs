//! Sums of values that are already on the host.

use booster_sys::info::Info;
use tch::{Kind, Tensor};

use super::detach::is_float8;
use super::partial::{NonFiniteStatus, Partial};
use crate::diagnostic::leaf::layout::LeafInfo;
use crate::diagnostic::leaf::{LeafRef, Ratio};
use crate::diagnostic::reduction::{Additive, Reduce, State, is_summed};
use crate::diagnostic::samples::Samples;
use crate::error::Result;
use crate::transfers;

/// The number of entries up to which booster sums a tensor itself. libtorch sums larger ones, on several cores.
const FEW: usize = 4096;

/// The sums of a field's host values: numbers and CPU tensors. Summing them immediately does not wait and is cheaper
/// than keeping and joining handles.
#[derive(Debug, Default)]
pub(crate) struct HostSums {
    /// The weighted sum of the values.
    weighted: Sum,
    /// The sum of weights, which are usually integers and need no compensation.
    weight: f64,
    /// The unweighted sum of the values.
    plain: Sum,
    /// The number of samples.
    samples: f64,
    /// The first update with a non-finite value.
    first: Option<u64>,
    /// Whether there was any value.
    any: bool,
}

/// The contribution of one value to the sums.
#[derive(Debug)]
pub(crate) struct Addend {
    weighted: f64,
    weight: f64,
    plain: f64,
    samples: f64,
    /// Whether all values that count are finite.
    pub(crate) is_finite: bool,
}

impl Addend {
    /// Returns the sums of a host value, or `None` for other values.
    pub(crate) fn of(info: &LeafInfo<'_>, samples: &Samples) -> Result<Option<Self>> {
        if let LeafRef::Ratio(Ratio { numerator, denominator }) = info.leaf {
            let Some((plain, first)) = sum_of(numerator, info.tensor_info(0))? else { return Ok(None) };
            let Some((samples, second)) = sum_of(denominator, info.tensor_info(1))? else { return Ok(None) };
            return Ok(Some(Self { weighted: plain, weight: samples, plain, samples, is_finite: first && second }));
        }
        let sum = match info.leaf {
            LeafRef::Tensor(tensor) => sum_of(tensor, info.tensor_info(0))?,
            leaf => leaf.number().map(|number| (number, number.is_finite())),
        };
        let Some((plain, is_finite)) = sum else { return Ok(None) };
        Ok(match (info.size().first(), samples) {
            (Some(&rows), _) => Some(Self {
                weighted: plain,
                weight: info.size().numel() as f64,
                plain,
                samples: rows as f64,
                is_finite,
            }),
            (None, &Samples::Host(samples)) => {
                let (plain, is_finite) = if is_summed(is_finite, samples) { (plain, is_finite) } else { (0.0, true) };
                Some(Self { weighted: plain * samples, weight: samples, plain, samples, is_finite })
            }
            (None, Samples::Device(_)) => None,
        })
    }

    /// Returns whether the value, its plain sum and its weight are all finite.
    pub(crate) fn has_nothing_to_skip(&self) -> bool {
        self.is_finite && self.plain.is_finite() && self.weight.is_finite()
    }
}

impl HostSums {
    /// Adds the value of an update.
    pub(crate) fn add(&mut self, value: &Addend, update: u64) {
        if !value.is_finite {
            self.first.get_or_insert(update);
        }
        self.weighted.add(value.weighted);
        self.weight += value.weight;
        self.plain.add(value.plain);
        self.samples += value.samples;
        self.any = true;
    }

    /// Converts the sums to states of additive reductions, or `None` if there was no value.
    pub(crate) fn partial(&self, reduces: &[Reduce]) -> Result<Option<Partial>> {
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
        Ok(Some(Partial { states, non_finite: NonFiniteStatus { first, skipped: None } }))
    }
}

/// Returns the sum of a host tensor and whether all its values are finite. Returns `None` for other tensors, and for
/// small ones of kinds without a Rust type, which are cheaper to join.
fn sum_of(tensor: &Tensor, info: Option<&Info>) -> Result<Option<(f64, bool)>> {
    let Some(info) = info else { return Ok(None) };
    if !transfers::is_on_host(info.device) {
        return Ok(None);
    }
    let count = info.shape.numel();
    if count > FEW {
        let (sum, is_finite) = sum_of_many(tensor)?;
        // The sum of finite doubles may overflow, so each value must be checked.
        let is_finite = is_finite || info.kind == Kind::Double && sum_of_many(&tensor.f_isfinite()?)?.0 == count as f64;
        return Ok(Some((sum, is_finite)));
    }
    Ok(match info.kind {
        Kind::Float | Kind::Double | Kind::Int64 | Kind::Bool => Some(transfers::sum_on_host(tensor)?),
        _ => None,
    })
}

/// Returns the sum of a large tensor and whether it is finite.
fn sum_of_many(tensor: &Tensor) -> Result<(f64, bool)> {
    let tensor = if is_float8(tensor.f_kind()?) { tensor.f_to_kind(Kind::Float)? } else { tensor.shallow_clone() };
    transfers::sum_on_host(&tensor.f_sum(Kind::Double)?)
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
