//! What an aggregator keeps of one field.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use super::join::{joined, of_nothing};
use super::non_finite::NonFinite;
use super::partial::{Finite, Lifted, meeting_place};
use super::pending::{Pending, Prepared};
use super::sums::HostSums;
use super::window::Window;
use crate::diagnostic::leaf::LeafRef;
use crate::diagnostic::leaf::layout::{Nature, Seen};
use crate::diagnostic::reduction::{Reduce, State};
use crate::diagnostic::samples::Samples;
use crate::diagnostic::schema::Field;
use crate::error::{Error, Result};
use crate::panic::catch_panic;

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
        self.field.check(seen)?;
        let Some(expected) = &self.nature else { return Ok(()) };
        let same = match leaf {
            LeafRef::Tensor(_) => expected.admits(seen.size()),
            leaf => Nature::of(leaf).is_none_or(|found| found == *expected),
        };
        if same { Ok(()) } else { Err(self.field.error(format_args!("{expected}, as in the updates before"), leaf)) }
    }

    /// What is kept of a value that was checked; the state stays as it is.
    pub(crate) fn prepare(&self, seen: &Seen<'_>, samples: &Samples, policy: NonFinite) -> Result<Prepared> {
        Prepared::of(seen, samples, policy, self.additive)
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
        let chunk = of_nothing(nature)?;
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
                Err(self.field.error(expected, format_args!("{found} in the other aggregator")))
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
        let chunk = joined(self.nature.as_ref(), pending, &table.samples, device, policy)?;
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
}
