//! What an aggregator keeps of one field.

use booster_sys::scalar::ScalarOps as _;
use std::fmt;

use tch::{Device, Kind, Tensor};

use super::chunk::{Chunk, Content};
use super::leaf::{LeafRef, LeafValue};
use super::nature::{Nature, is_real};
use super::non_finite::NonFinite;
use super::on_host::{Addend, HostSums};
use super::owned::Owned;
use super::reduction::{Reduce, State};
use super::samples::Samples;
use super::schema::Field;
use super::seen::Seen;
use super::weights::{Ratio, Weighted};
use crate::batch::to_device;
use crate::error::{Error, Result};

/// The running state of one field: handles to the values of recent updates, and the states of all before.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) field: &'static Field,
    /// The struct that it is a field of, among the [`Scopes`](super::samples::Scopes).
    pub(crate) scope: usize,
    /// What the field's values are like, from the first one on.
    pub(crate) nature: Option<Nature>,
    pub(crate) pending: Vec<Pending>,
    /// Where the pending tensors are, and of what kind.
    pub(crate) place: Place,
    /// The sums of values that were on the host already.
    pub(crate) on_host: HostSums,
    /// Whether sums are all that the reductions need.
    pub(crate) additive: bool,
    /// For the one or two tensors of a value.
    owned: [Owned; 2],
    /// The reductions with states of their own: metrics of one kind of state share it.
    pub(crate) reduces: Vec<Reduce>,
    /// One state per reduction, once there was a value.
    pub(crate) states: Option<Vec<State>>,
    /// What was found of values that are not finite, once there was a value.
    pub(crate) finite: Option<Finite>,
}

/// A value that is not reduced yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) value: LeafValue,
    /// The place of its update among those that are pending.
    pub(crate) update: usize,
    /// Its length along the samples; 1 where it has no samples.
    pub(crate) rows: i64,
}

/// What the pending tensors of a field have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// There is none.
    None,
    /// All are on this device, of this kind.
    One(Device, Kind),
    /// They differ.
    Many,
}

impl Place {
    fn and_now(self, device: Device, kind: Option<Kind>) -> Self {
        match (self, kind) {
            (Self::None, Some(kind)) => Self::One(device, kind),
            (Self::One(known, of_kind), Some(kind)) if (known, of_kind) == (device, kind) => self,
            _ => Self::Many,
        }
    }
}

/// What is kept of a value.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// There was no value.
    Absent,
    /// It was on the host: its sums.
    OnHost(Addend),
    /// To be reduced later.
    Pending(LeafValue),
}

/// What was found of values that are not finite, `[1]` each, doubles.
#[derive(Debug)]
pub(crate) struct Finite {
    /// The number of the first update with one, else infinity.
    pub(crate) first: Tensor,
    /// How many were left out.
    pub(crate) skipped: Option<Tensor>,
}

/// What pending values were reduced to, to be merged once all fields are.
#[derive(Debug)]
pub(crate) struct Lifted {
    pub(crate) states: Vec<State>,
    pub(crate) finite: Finite,
}

/// An update whose values are pending.
#[derive(Debug)]
pub(crate) struct Update {
    /// Counted from 0.
    pub(crate) number: u64,
    /// How many samples the diagnostics of each scope stand for.
    pub(crate) samples: Vec<Samples>,
}

impl Track {
    pub(crate) fn new(field: &'static Field, scope: usize) -> Self {
        let mut reduces: Vec<Reduce> = Vec::new();
        for metric in field.metrics {
            if !reduces.iter().any(|known| known.shares_state(&metric.reduce)) {
                reduces.push(metric.reduce);
            }
        }
        let additive = reduces.iter().all(|reduce| reduce.additive().is_some());
        Self {
            field,
            scope,
            nature: None,
            pending: Vec::new(),
            place: Place::None,
            on_host: HostSums::default(),
            additive,
            owned: Default::default(),
            reduces,
            states: None,
            finite: None,
        }
    }

    /// Checks that a value is like those before it. Nothing is changed.
    pub(crate) fn check(&self, seen: &Seen<'_>) -> Result<()> {
        let leaf = seen.leaf;
        if let Some(kind) = seen.kinds.into_iter().flatten().find(|&kind| !is_real(kind)) {
            return Err(self.error("a tensor of a real or bool kind", format!("kind {kind:?}")));
        }
        if let LeafRef::Weighted(weighted) = leaf
            && !weighted.fits()
        {
            return Err(self.error("weights of the values' shape or its first dimensions", leaf));
        }
        let Some(expected) = &self.nature else { return Ok(()) };
        let same = match leaf {
            LeafRef::Tensor(_) => expected.admits(&seen.size),
            leaf => Nature::of(leaf).is_none_or(|found| found == *expected),
        };
        if same { Ok(()) } else { Err(self.error(format_args!("{expected}, as in the updates before"), leaf)) }
    }

    /// Makes of a value that was checked what is kept of it: all that can fail of an update, without changing the state.
    pub(crate) fn prepare(&mut self, seen: &Seen<'_>, samples: &Samples, policy: NonFinite) -> Result<Prepared> {
        let Seen { leaf, size, .. } = seen;
        if size.contains(&0) {
            return Ok(Prepared::Absent);
        }
        if self.additive
            && policy != NonFinite::Skip
            && let Some(sums) = Addend::of(seen, samples)?
        {
            return Ok(Prepared::OnHost(sums));
        }
        Ok(Prepared::Pending(match *leaf {
            LeafRef::Absent => return Ok(Prepared::Absent),
            LeafRef::Tensor(tensor) => LeafValue::Tensor(self.owned[0].own(tensor, size)?),
            LeafRef::Weighted(Weighted { value, weight }) => {
                let value = self.owned[0].own(value, size)?;
                LeafValue::Weighted(Weighted::new(value, self.owned[1].own(weight, &weight.size())?))
            }
            LeafRef::Ratio(Ratio { numerator, denominator }) => {
                let numerator = self.owned[0].own(numerator, &numerator.size())?;
                LeafValue::Ratio(Ratio::new(numerator, self.owned[1].own(denominator, &denominator.size())?))
            }
            number => number.number().map_or(LeafValue::Absent, LeafValue::Float),
        }))
    }

    /// Takes what was prepared, as the value of the pending update at a place; gives the bytes that it keeps alive.
    pub(crate) fn accept(&mut self, seen: &Seen<'_>, prepared: Prepared, place: usize, update: &Update) -> usize {
        let Seen { leaf, size, kinds } = seen;
        if self.nature.is_none() {
            self.nature = Nature::of(*leaf);
        }
        match prepared {
            Prepared::Absent => 0,
            Prepared::OnHost(sums) => {
                self.on_host.add(&sums, update.number);
                0
            }
            Prepared::Pending(value) => {
                if let LeafValue::Tensor(tensor) = &value {
                    self.place = self.place.and_now(tensor.device(), kinds[0]);
                }
                let rows = size.first().copied().unwrap_or(1);
                self.pending.push(Pending { value, update: place, rows });
                // Kinds differ by a factor of eight at most: enough for a bound.
                size.iter().product::<i64>().unsigned_abs() as usize * 8
            }
        }
    }

    /// Merges what the pending values were reduced to, and gives them up.
    pub(crate) fn commit(&mut self, merged: Option<Lifted>) {
        if let Some(Lifted { states, finite }) = merged {
            self.states = Some(states);
            self.finite = Some(finite);
        }
        self.pending.clear();
        self.place = Place::None;
    }

    /// The states of values of no sample, if there were none but such.
    pub(crate) fn nothing(&self) -> Result<Option<Lifted>> {
        let (Some(nature), None) = (&self.nature, &self.states) else { return Ok(None) };
        let chunk = Chunk::of_nothing(nature)?;
        let states = self.reduces.iter().map(|reduce| reduce.lift(&chunk)).collect::<Result<_>>()?;
        let first = Tensor::f_from_slice(&[f64::INFINITY])?;
        Ok(Some(Lifted { states, finite: Finite { first, skipped: None } }))
    }

    /// Later states merged into those that are there.
    pub(crate) fn merged(&self, later: Lifted) -> Result<Lifted> {
        match (&self.states, &self.finite) {
            (Some(states), Some(finite)) => self.join(states, finite, &later),
            _ => Ok(later),
        }
    }

    /// Two groups of states as one.
    pub(crate) fn join(&self, states: &[State], finite: &Finite, later: &Lifted) -> Result<Lifted> {
        let merge = |((reduce, earlier), later): ((&Reduce, &State), &State)| {
            let device = meeting_place(earlier.device(), later.device());
            reduce.merge(&earlier.to_device(device)?, &later.to_device(device)?)
        };
        let states = self.reduces.iter().zip(states).zip(&later.states).map(merge).collect::<Result<_>>()?;
        Ok(Lifted { states, finite: finite.merged(&later.finite)? })
    }

    /// Takes in what another aggregator has of the same field, as newer values.
    pub(crate) fn merge(&self, other: Self) -> Result<Option<Lifted>> {
        if let (Some(expected), Some(found)) = (&self.nature, &other.nature)
            && expected != found
        {
            return Err(self.error(expected, format_args!("{found} in the other aggregator")));
        }
        match (other.states, other.finite) {
            (Some(states), Some(finite)) => self.merged(Lifted { states, finite }).map(Some),
            _ => Ok(None),
        }
    }

    /// The same track for updates that come after some others.
    pub(crate) fn delayed(mut self, by: u64) -> Result<Self> {
        if let Some(finite) = &mut self.finite {
            finite.first = finite.first.try_add_scalar(by as f64)?;
        }
        Ok(self)
    }

    /// Reduces the pending values by themselves, in order.
    pub(crate) fn lift(&self, updates: &[Update], policy: NonFinite) -> Result<Option<Lifted>> {
        let Some(chunk) = self.chunk(updates)? else { return Ok(None) };
        let first = self.first_non_finite(&chunk, updates)?;
        let (chunk, skipped) = match policy {
            NonFinite::Skip => chunk.finite().map(|(chunk, skipped)| (chunk, Some(skipped)))?,
            NonFinite::Propagate | NonFinite::Error => (chunk, None),
        };
        let skipped = skipped.map(|skipped| skipped.f_reshape([1])).transpose()?;
        let states = self.reduces.iter().map(|reduce| reduce.lift(&chunk)).collect::<Result<_>>()?;
        Ok(Some(Lifted { states, finite: Finite { first, skipped } }))
    }

    /// The number of the first update with a row that is not finite, else infinity.
    fn first_non_finite(&self, chunk: &Chunk, updates: &[Update]) -> Result<Tensor> {
        let bad = chunk.non_finite_rows()?;
        let device = bad.device();
        // Each row's update. A ratio is one row, whatever its shape.
        let one_row = matches!(self.nature, Some(Nature::Ratios));
        let rows = self.pending.iter().flat_map(|pending| {
            let rows = if one_row { 1 } else { pending.rows.unsigned_abs() as usize };
            std::iter::repeat_n(updates[pending.update].number as f64, rows)
        });
        let numbers = to_device(&Tensor::f_from_slice(&rows.collect::<Vec<_>>())?, device)?;
        let never = numbers.try_full_like(f64::INFINITY)?;
        Ok(numbers.f_where_self(&bad, &never)?.f_min()?.f_reshape([1])?)
    }

    /// The pending values, joined.
    fn chunk(&self, updates: &[Update]) -> Result<Option<Chunk>> {
        let device = match self.pending.first() {
            None => return Ok(None),
            Some(Pending { value: LeafValue::Tensor(tensor), .. }) => tensor.device(),
            Some(_) => Device::Cpu,
        };
        let tensors = || {
            let tensors = self.pending.iter().filter_map(|pending| match &pending.value {
                LeafValue::Tensor(tensor) => Some(to_device(tensor, device)),
                _ => None,
            });
            tensors.collect::<Result<Vec<_>>>()
        };
        let samples =
            || Samples::stack(self.pending.iter().map(|pending| &updates[pending.update].samples[self.scope]), device);
        Ok(Some(match &self.nature {
            None => return Ok(None),
            Some(Nature::Numbers) => {
                let numbers = self.pending.iter().filter_map(|pending| match pending.value {
                    LeafValue::Float(number) => Some(number),
                    _ => None,
                });
                let values = Tensor::f_from_slice(&numbers.collect::<Vec<_>>())?;
                Content::Batches { values, samples: samples()? }.into()
            }
            Some(Nature::Scalars) => {
                let values = Tensor::f_stack(&tensors()?, 0)?.f_to_kind(Kind::Double)?;
                Content::Batches { values, samples: samples()? }.into()
            }
            Some(Nature::Samples(_)) => Content::Samples(Tensor::f_cat(&tensors()?, 0)?).into(),
            Some(Nature::Weighted(..)) => {
                Chunk::of_weighted(self.pending.iter().filter_map(|pending| match &pending.value {
                    LeafValue::Weighted(weighted) => Some(weighted),
                    _ => None,
                }))?
            }
            Some(Nature::Ratios) => Chunk::of_ratios(self.pending.iter().filter_map(|pending| match &pending.value {
                LeafValue::Ratio(ratio) => Some(ratio),
                _ => None,
            }))?,
        }))
    }

    pub(crate) fn error(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        let Field { group, name: field, .. } = *self.field;
        Error::Leaf { group, field, expected: expected.to_string(), found: found.to_string() }
    }
}

impl Finite {
    fn merged(&self, later: &Self) -> Result<Self> {
        let device = meeting_place(self.first.device(), later.first.device());
        let skipped = match (&self.skipped, &later.skipped) {
            (Some(earlier), Some(later)) => Some(to_device(earlier, device)?.f_add(&to_device(later, device)?)?),
            (None, Some(only)) | (Some(only), None) => Some(to_device(only, device)?),
            (None, None) => None,
        };
        let first = to_device(&self.first, device)?.f_minimum(&to_device(&later.first, device)?)?;
        Ok(Self { first, skipped })
    }
}

/// Where two states are merged: not on the CPU if one of them is elsewhere, since that would wait for its device.
fn meeting_place(earlier: Device, later: Device) -> Device {
    if earlier == Device::Cpu { later } else { earlier }
}
