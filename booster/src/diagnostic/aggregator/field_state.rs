//! The aggregation state of one field.

use booster_sys::scalar::ScalarOps as _;
use tch::Tensor;

use super::join::{joined, of_nothing};
use super::non_finite::NonFinite;
use super::partial::{NonFiniteStatus, Partial, meeting_place};
use super::pending::{Pending, Staged};
use super::sums::HostSums;
use super::window::Window;
use crate::diagnostic::leaf::LeafRef;
use crate::diagnostic::leaf::layout::{Layout, LeafInfo};
use crate::diagnostic::reduction::{Reduce, State};
use crate::diagnostic::samples::Samples;
use crate::diagnostic::schema::Field;
use crate::error::{Error, Result};
use crate::panic::catch_panic;

/// The running state of one field: the pending values of recent updates, and the reduced states of earlier ones.
#[derive(Debug)]
pub(crate) struct FieldState {
    pub(crate) field: &'static Field,
    /// The index of the field's struct in the [`Scopes`](crate::diagnostic::samples::Scopes).
    pub(crate) scope: usize,
    /// The layout of the field's values, set by the first one.
    pub(crate) layout: Option<Layout>,
    pub(crate) pending: Vec<Pending>,
    /// The sums of values that were already on the host.
    pub(crate) on_host: HostSums,
    /// Whether all reductions can be computed from sums alone.
    additive: bool,
    /// The reductions with distinct states; metrics that share a state share one reduction.
    pub(crate) reduces: Vec<Reduce>,
    /// One state per reduction; `None` before the first value.
    pub(crate) states: Option<Vec<State>>,
    /// The status of non-finite values; `None` before the first value.
    pub(crate) non_finite: Option<NonFiniteStatus>,
}

impl FieldState {
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
            layout: None,
            pending: Vec::new(),
            on_host: HostSums::default(),
            additive,
            reduces,
            states: None,
            non_finite: None,
        }
    }

    /// Checks that a value is valid and has the field's layout.
    pub(crate) fn check(&self, info: &LeafInfo<'_>) -> Result<()> {
        let leaf = info.leaf;
        self.field.check(info)?;
        let Some(expected) = &self.layout else { return Ok(()) };
        let same = match leaf {
            LeafRef::Tensor(_) => expected.admits(info.size()),
            leaf => Layout::of(leaf).is_none_or(|found| found == *expected),
        };
        if same { Ok(()) } else { Err(self.field.error(format_args!("{expected}, as in earlier updates"), leaf)) }
    }

    /// Stages a checked value without changing the state.
    pub(crate) fn stage(&self, info: &LeafInfo<'_>, samples: &Samples, policy: NonFinite) -> Result<Staged> {
        Staged::of(info, samples, policy, self.additive)
    }

    /// Accepts the staged value of an update. `place` is the index of the update in the window. Returns the bytes that
    /// the value keeps alive.
    pub(crate) fn accept(&mut self, info: &LeafInfo<'_>, staged: Staged, place: usize, update: u64) -> usize {
        if self.layout.is_none() {
            self.layout = Layout::of(info.leaf);
        }
        match staged {
            Staged::Absent => 0,
            Staged::OnHost(sums) => {
                self.on_host.add(&sums, update);
                0
            }
            Staged::Pending(value, bytes) => {
                let rows = info.size().first().copied().unwrap_or(1);
                self.pending.push(Pending::new(value, place, rows));
                bytes
            }
        }
    }

    pub(crate) fn commit(&mut self, merged: Partial) {
        let Partial { states, non_finite } = merged;
        self.states = Some(states);
        self.non_finite = Some(non_finite);
    }

    /// Reduces the pending values together. If that fails, reduces each separately, so that only the values that fail
    /// are excluded and reported.
    pub(crate) fn reduce(&mut self, window: &mut Window<'_>, policy: NonFinite) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return Ok(());
        }
        if let Ok(merged) = self.partial(&pending, window, policy).and_then(|partial| self.merged(partial)) {
            self.commit(merged);
            self.pending = pending;
            self.pending.clear();
            return Ok(());
        }
        let mut first = None;
        let mut left_out = 0;
        for pending in pending.chunks(1) {
            match self.partial(pending, window, policy).and_then(|partial| self.merged(partial)) {
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

    /// Merges the sums of host values into the states.
    pub(crate) fn take_host_sums(&mut self) -> Result<()> {
        if let Some(partial) = self.on_host.partial(&self.reduces)? {
            let merged = self.merged(partial)?;
            self.commit(merged);
            self.on_host = HostSums::default();
        }
        // If a reduction fails for values of weight 0, the field's metrics stay absent.
        if let Ok(Some(nothing)) = self.nothing() {
            self.commit(nothing);
        }
        Ok(())
    }

    /// Returns states of weight 0 if no value so far had any samples.
    fn nothing(&self) -> Result<Option<Partial>> {
        let (Some(layout), None) = (&self.layout, &self.states) else { return Ok(None) };
        let leaf = of_nothing(layout)?;
        let states = self.reduces.iter().map(|reduce| reduce.state_of(&leaf)).collect::<Result<_>>()?;
        let first = Tensor::f_from_slice(&[f64::INFINITY])?;
        Ok(Some(Partial { states, non_finite: NonFiniteStatus { first, skipped: None } }))
    }

    /// Merges later states into the current ones.
    fn merged(&self, later: Partial) -> Result<Partial> {
        let (Some(states), Some(non_finite)) = (&self.states, &self.non_finite) else { return Ok(later) };
        let merge = |((reduce, earlier), later): ((&Reduce, &State), &State)| {
            let device = meeting_place([earlier.device(), later.device()].into_iter());
            let (earlier, later) = (earlier.to_device(device)?, later.to_device(device)?);
            let merged = catch_panic(|| reduce.merge(&earlier, &later));
            merged.map_err(|error| error.during(format!("merging states of `{reduce}`")))
        };
        let states = self.reduces.iter().zip(states).zip(&later.states).map(merge).collect::<Result<_>>()?;
        Ok(Partial { states, non_finite: non_finite.merged(&later.non_finite)? })
    }

    /// Merges the states of the same field of another aggregator, whose values are newer.
    pub(crate) fn merge(&self, other: Self) -> Result<Option<Partial>> {
        match (other.states, other.non_finite) {
            (Some(states), Some(non_finite)) => self.merged(Partial { states, non_finite }).map(Some),
            _ => Ok(None),
        }
    }

    /// Checks that another aggregator's values of the same field have the same layout.
    pub(crate) fn check_merge(&self, other: &Self) -> Result<()> {
        match (&self.layout, &other.layout) {
            (Some(expected), Some(found)) if expected != found => {
                Err(self.field.error(expected, format_args!("{found} in the other aggregator")))
            }
            _ => Ok(()),
        }
    }

    /// Shifts the update numbers of the state by `by`.
    pub(crate) fn delayed(mut self, by: u64) -> Result<Self> {
        if let Some(non_finite) = &mut self.non_finite {
            non_finite.first = non_finite.first.try_add_scalar(by as f64)?;
        }
        Ok(self)
    }

    /// Reduces pending values, in order, without merging them into the states.
    fn partial(&self, pending: &[Pending], window: &mut Window<'_>, policy: NonFinite) -> Result<Partial> {
        if !pending.iter().all(Pending::is_unwritten) {
            return Err("its tensor was written in place after the update: measure a copy (`copy()`)".into());
        }
        let is_batch_level = matches!(self.layout, None | Some(Layout::Numbers | Layout::Scalars));
        let scope = is_batch_level.then_some(self.scope);
        let device = window.meeting_place(pending, scope);
        let table = window.table(pending, scope, device)?;
        let leaf = joined(self.layout.as_ref(), pending, &table.samples, device, policy)?;
        let first = table.first_non_finite(|parts| leaf.are_finite(parts))?;
        let (leaf, skipped) = match policy {
            NonFinite::Skip => leaf.finite().map(|(leaf, skipped)| (leaf, Some(skipped)))?,
            NonFinite::Propagate | NonFinite::Error => (leaf, None),
        };
        let skipped = skipped.map(|skipped| skipped.f_reshape([1])).transpose()?;
        let state = |reduce: &Reduce| {
            catch_panic(|| reduce.state_of(&leaf)).map_err(|error| error.during(format!("`{reduce}`")))
        };
        let states = self.reduces.iter().map(state).collect::<Result<_>>()?;
        Ok(Partial { states, non_finite: NonFiniteStatus { first, skipped } })
    }
}
