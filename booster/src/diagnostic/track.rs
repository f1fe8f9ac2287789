//! What an aggregator keeps of one field.

use std::fmt;

use booster_sys::info::Info;
use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Kind, Tensor};

use super::chunk::{Chunk, Content, Join, join};
use super::flush::{Table, Window, meeting_place};
use super::leaf::{LeafRef, LeafValue, writes};
use super::nature::Nature;
use super::non_finite::NonFinite;
use super::on_host::{Addend, HostSums};
use super::owned::own;
use super::reduction::{Reduce, State};
use super::samples::Samples;
use super::schema::Field;
use super::seen::Seen;
use super::weights::{Ratio, Weighted, rows_of};
use crate::device::to_device;
use crate::error::{Error, Result};
use crate::panic::catch_panic;
use crate::transfers;

/// The running state of one field: handles to the values of recent updates, and the states of all before.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) field: &'static Field,
    /// The struct that it is a field of, among the [`Scopes`](super::samples::Scopes).
    pub(crate) scope: usize,
    /// What the field's values are like, from the first one on.
    pub(crate) nature: Option<Nature>,
    pub(crate) pending: Vec<Pending>,
    /// The sums of values that were on the host already.
    pub(crate) on_host: HostSums,
    /// Whether sums are all that the reductions need.
    additive: bool,
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
    /// How often its tensors had been written in place when it was taken in.
    writes: u64,
}

/// What is kept of a value.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// There was no value.
    Absent,
    /// It was on the host: its sums.
    OnHost(Addend),
    /// To be reduced later, with the bytes that it keeps alive.
    Pending(LeafValue, usize),
}

/// What was found of values that are not finite, `[1]` each, doubles.
#[derive(Debug)]
pub(crate) struct Finite {
    /// The number of the first update with one, else infinity.
    pub(crate) first: Tensor,
    /// How many were left out.
    pub(crate) skipped: Option<Tensor>,
}

/// What pending values were reduced to, to be merged with the states of those before.
#[derive(Debug)]
pub(crate) struct Lifted {
    pub(crate) states: Vec<State>,
    pub(crate) finite: Finite,
}

impl Pending {
    fn new(value: LeafValue, update: usize, rows: i64) -> Self {
        let mut pending = Self { value, update, rows, writes: 0 };
        pending.count_writes();
        pending
    }

    /// Takes its tensors for what is to be reduced, as they are now.
    pub(crate) fn count_writes(&mut self) {
        self.writes = writes(self.tensors());
    }

    /// Whether its tensors hold what they held when it was taken in.
    pub(crate) fn is_unwritten(&self) -> bool {
        self.writes == writes(self.tensors())
    }

    pub(crate) fn tensors(&self) -> [Option<&Tensor>; 2] {
        match &self.value {
            LeafValue::Tensor(tensor) => [Some(tensor), None],
            LeafValue::Weighted(Weighted { value: one, weight: other })
            | LeafValue::Ratio(Ratio { numerator: one, denominator: other }) => [Some(one), Some(other)],
            _ => [None, None],
        }
    }

    pub(crate) fn devices(&self) -> [Option<Device>; 2] {
        self.tensors().map(|tensor| tensor.map(Tensor::device))
    }

    pub(crate) fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor> {
        let tensors = match &mut self.value {
            LeafValue::Tensor(tensor) => [Some(tensor), None],
            LeafValue::Weighted(Weighted { value: one, weight: other })
            | LeafValue::Ratio(Ratio { numerator: one, denominator: other }) => [Some(one), Some(other)],
            _ => [None, None],
        };
        tensors.into_iter().flatten()
    }
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
            on_host: HostSums::default(),
            additive,
            reduces,
            states: None,
            finite: None,
        }
    }

    /// Checks that a value is like those before it. Nothing is changed.
    pub(crate) fn check(&self, seen: &Seen<'_>) -> Result<()> {
        let leaf = seen.leaf;
        seen.check(self.field)?;
        let Some(expected) = &self.nature else { return Ok(()) };
        let same = match leaf {
            LeafRef::Tensor(_) => expected.admits(seen.size()),
            leaf => Nature::of(leaf).is_none_or(|found| found == *expected),
        };
        if same { Ok(()) } else { Err(self.error(format_args!("{expected}, as in the updates before"), leaf)) }
    }

    /// Makes of a value that was checked what is kept of it: all that can fail of an update, without changing the state.
    pub(crate) fn prepare(&self, seen: &Seen<'_>, samples: &Samples, policy: NonFinite) -> Result<Prepared> {
        if seen.size().contains(&0) {
            return Ok(Prepared::Absent);
        }
        if self.additive
            && let Some(sums) = Addend::of(seen, samples)?
            && (policy != NonFinite::Skip || sums.has_nothing_to_skip())
        {
            return Ok(Prepared::OnHost(sums));
        }
        let (first, second) = (seen.info(0), seen.info(1));
        Ok(match (seen.leaf, first, second) {
            (LeafRef::Tensor(tensor), Some(info), _) => {
                let (tensor, bytes) = own(tensor, info)?;
                Prepared::Pending(LeafValue::Tensor(tensor), bytes)
            }
            (LeafRef::Weighted(Weighted { value, weight }), Some(of_value), Some(of_weight)) => {
                let ((value, bytes), (weight, more)) = (own(value, of_value)?, own(weight, of_weight)?);
                Prepared::Pending(LeafValue::Weighted(Weighted::new(value, weight)), bytes + more)
            }
            (LeafRef::Ratio(Ratio { numerator, denominator }), Some(of_numerator), Some(of_denominator)) => {
                // By row where one may be left out.
                let rows =
                    if policy == NonFinite::Skip { rows_of(&of_numerator.shape, &of_denominator.shape) } else { None };
                let sum = |tensor, info: &Info| {
                    let (tensor, bytes) = own(tensor, info)?;
                    // Not of doubles, whose sum may be infinite where they are not.
                    let is_summed = info.shape.numel() > rows.unwrap_or(1) as usize && info.kind != Kind::Double;
                    if is_summed && transfers::has_doubles(info.device) {
                        let sums = match rows {
                            Some(rows) => tensor.f_reshape([rows, -1])?.f_sum_dim_intlist(-1, false, Kind::Double)?,
                            None => tensor.f_sum(Kind::Double)?,
                        };
                        return Ok((sums, rows.unwrap_or(1) as usize * size_of::<f64>()));
                    }
                    Ok::<_, Error>((tensor, bytes))
                };
                let (numerator, bytes) = sum(numerator, of_numerator)?;
                let (denominator, more) = sum(denominator, of_denominator)?;
                Prepared::Pending(LeafValue::Ratio(Ratio::new(numerator, denominator)), bytes + more)
            }
            (leaf, ..) => match leaf.number() {
                Some(number) => Prepared::Pending(LeafValue::Float(number), size_of::<f64>()),
                None => Prepared::Absent,
            },
        })
    }

    /// Takes what was prepared, as the value of an update, which comes to a place among those that are pending; gives the
    /// bytes that it keeps alive.
    pub(crate) fn accept(&mut self, seen: &Seen<'_>, prepared: Prepared, place: usize, update: u64) -> usize {
        if self.nature.is_none() {
            self.nature = Nature::of(seen.leaf);
        }
        match prepared {
            Prepared::Absent => 0,
            Prepared::OnHost(sums) => {
                self.on_host.add(&sums, update);
                0
            }
            Prepared::Pending(value, bytes) => {
                let rows = seen.size().first().copied().unwrap_or(1);
                self.pending.push(Pending::new(value, place, rows));
                bytes
            }
        }
    }

    pub(crate) fn commit(&mut self, merged: Lifted) {
        let Lifted { states, finite } = merged;
        self.states = Some(states);
        self.finite = Some(finite);
    }

    /// Reduces the pending values. Where that fails, each is reduced by itself, so that those alone are left out, and
    /// named, which cannot be.
    pub(crate) fn reduce(&mut self, window: &mut Window<'_>, policy: NonFinite) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        if let Ok(merged) = self.lift(&pending, window, policy).and_then(|lifted| self.merged(lifted)) {
            self.commit(merged);
            self.pending = pending;
            self.pending.clear();
            return Ok(());
        }
        let mut first = None;
        let mut left_out = 0;
        for pending in pending.chunks(1) {
            match self.lift(pending, window, policy).and_then(|lifted| self.merged(lifted)) {
                Ok(merged) => self.commit(merged),
                Err(cause) => {
                    left_out += 1;
                    first.get_or_insert((window.number(&pending[0]), cause));
                }
            }
        }
        let Some((update, cause)) = first else { return Ok(()) };
        let Field { group, name: field, .. } = *self.field;
        Err(Error::Reduction { group, field, update, left_out, cause: Box::new(cause) })
    }

    /// Adds the sums of values that were on the host to the states.
    pub(crate) fn settle(&mut self) -> Result<()> {
        if let Some(lifted) = self.on_host.lifted(&self.reduces)? {
            let merged = self.merged(lifted)?;
            self.commit(merged);
            self.on_host = HostSums::default();
        }
        // A reduction that fails on that as well leaves its metric absent.
        if let Ok(Some(nothing)) = self.nothing() {
            self.commit(nothing);
        }
        Ok(())
    }

    /// The states of values of no sample, if there were none but such.
    fn nothing(&self) -> Result<Option<Lifted>> {
        let (Some(nature), None) = (&self.nature, &self.states) else { return Ok(None) };
        let chunk = Chunk::of_nothing(nature)?;
        let states = self.reduces.iter().map(|reduce| reduce.lift(&chunk)).collect::<Result<_>>()?;
        let first = Tensor::f_from_slice(&[f64::INFINITY])?;
        Ok(Some(Lifted { states, finite: Finite { first, skipped: None } }))
    }

    /// Later states merged into those that are there.
    fn merged(&self, later: Lifted) -> Result<Lifted> {
        let (Some(states), Some(finite)) = (&self.states, &self.finite) else { return Ok(later) };
        let merge = |((reduce, earlier), later): ((&Reduce, &State), &State)| {
            let device = meeting_place([earlier.device(), later.device()].into_iter());
            let (earlier, later) = (earlier.to_device(device)?, later.to_device(device)?);
            let merged = catch_panic(|| reduce.merge(&earlier, &later));
            merged.map_err(|error| error.during(format!("merging states of `{reduce}`")))
        };
        let states = self.reduces.iter().zip(states).zip(&later.states).map(merge).collect::<Result<_>>()?;
        Ok(Lifted { states, finite: finite.merged(&later.finite)? })
    }

    /// Takes in what another aggregator has of the same field, as newer values.
    pub(crate) fn merge(&self, other: Self) -> Result<Option<Lifted>> {
        match (other.states, other.finite) {
            (Some(states), Some(finite)) => self.merged(Lifted { states, finite }).map(Some),
            _ => Ok(None),
        }
    }

    /// Checks that another aggregator's values of the same field are like one's own.
    pub(crate) fn check_merge(&self, other: &Self) -> Result<()> {
        match (&self.nature, &other.nature) {
            (Some(expected), Some(found)) if expected != found => {
                Err(self.error(expected, format_args!("{found} in the other aggregator")))
            }
            _ => Ok(()),
        }
    }

    /// The same track for updates that come after some others.
    pub(crate) fn delayed(mut self, by: u64) -> Result<Self> {
        if let Some(finite) = &mut self.finite {
            finite.first = finite.first.try_add_scalar(by as f64)?;
        }
        Ok(self)
    }

    /// Reduces pending values by themselves, in order.
    fn lift(&self, pending: &[Pending], window: &mut Window<'_>, policy: NonFinite) -> Result<Lifted> {
        if !pending.iter().all(Pending::is_unwritten) {
            return Err("its tensor was written in place after the update: measure a copy (`copy()`)".into());
        }
        let is_batch_level = matches!(self.nature, None | Some(Nature::Numbers | Nature::Scalars));
        let scope = is_batch_level.then_some(self.scope);
        let device = window.meeting_place(pending, scope);
        let table = window.table(pending, scope, device)?;
        let chunk = self.chunk(pending, table, device, policy)?;
        let first = table.first_non_finite(|parts| chunk.are_finite(parts))?;
        let (chunk, skipped) = match policy {
            NonFinite::Skip => chunk.finite().map(|(chunk, skipped)| (chunk, Some(skipped)))?,
            NonFinite::Propagate | NonFinite::Error => (chunk, None),
        };
        let skipped = skipped.map(|skipped| skipped.f_reshape([1])).transpose()?;
        let lift =
            |reduce: &Reduce| catch_panic(|| reduce.lift(&chunk)).map_err(|error| error.during(format!("`{reduce}`")));
        let states = self.reduces.iter().map(lift).collect::<Result<_>>()?;
        Ok(Lifted { states, finite: Finite { first, skipped } })
    }

    /// Pending values, joined.
    fn chunk(&self, pending: &[Pending], table: &Table, device: Device, policy: NonFinite) -> Result<Chunk> {
        let tensors = || pending.iter().filter_map(|pending| pending.tensors()[0]).collect::<Vec<_>>();
        let batches = |values| Content::Batches { values, samples: table.samples.shallow_clone() }.into();
        Ok(match &self.nature {
            None | Some(Nature::Numbers) => {
                let numbers = pending.iter().map(|pending| match pending.value {
                    LeafValue::Float(number) => number,
                    _ => f64::NAN,
                });
                batches(transfers::upload(&numbers.collect::<Vec<_>>(), device)?)
            }
            Some(Nature::Scalars) => batches(join(&tensors(), device, Join::Stack)?.f_to_kind(Kind::Double)?),
            Some(Nature::Samples(_)) => Content::Samples(join(&tensors(), device, Join::Cat)?).into(),
            Some(Nature::Weighted(..)) => {
                let weighted = pending.iter().filter_map(|pending| match &pending.value {
                    LeafValue::Weighted(weighted) => Some(weighted),
                    _ => None,
                });
                Chunk::of_weighted(weighted, device)?
            }
            Some(Nature::Ratios) => {
                let ratios = pending.iter().filter_map(|pending| match &pending.value {
                    LeafValue::Ratio(ratio) => Some(ratio),
                    _ => None,
                });
                Chunk::of_ratios(ratios, device, policy)?
            }
        })
    }

    pub(crate) fn error(&self, expected: impl fmt::Display, found: impl fmt::Display) -> Error {
        let Field { group, name: field, .. } = *self.field;
        Error::Leaf { group, field, expected: expected.to_string(), found: found.to_string() }
    }
}

impl Finite {
    fn merged(&self, later: &Self) -> Result<Self> {
        let device = meeting_place([self.first.device(), later.first.device()].into_iter());
        let skipped = match (&self.skipped, &later.skipped) {
            (Some(earlier), Some(later)) => Some(to_device(earlier, device)?.f_add(&to_device(later, device)?)?),
            (None, Some(only)) | (Some(only), None) => Some(to_device(only, device)?),
            (None, None) => None,
        };
        let first = to_device(&self.first, device)?.f_minimum(&to_device(&later.first, device)?)?;
        Ok(Self { first, skipped })
    }
}
