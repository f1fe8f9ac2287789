//! The reduction of all pending values at once.

use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Device, Kind, Tensor};

use super::leaf::LeafValue;
use super::nature::Nature;
use super::non_finite::NonFinite;
use super::reduction::{Additive, Reduce, State};
use super::samples::Samples;
use super::track::{Finite, Lifted, Pending, Place, Track, Update};
use crate::error::Result;

/// What all pending values come to.
pub(crate) struct Flushed {
    /// Of the tracks that were reduced by themselves.
    pub(crate) alone: Vec<Option<Lifted>>,
    /// Of those that were reduced together.
    pub(crate) fused: Vec<Fused>,
}

/// Reduces the pending values. Tracks that need sums alone and whose values are alike are reduced together: one
/// concatenation and one sum for all of them.
pub(crate) fn lift(tracks: &[Track], updates: &[Update], policy: NonFinite) -> Result<Flushed> {
    let mut flushed = Flushed { alone: tracks.iter().map(|_| None).collect(), fused: Vec::new() };
    for group in groups(tracks, policy) {
        match group {
            Group::One(track) => flushed.alone[track] = tracks[track].lift(updates, policy)?,
            Group::Fused { tracks: members, .. } => flushed.fused.extend(fused(tracks, members, updates)?),
        }
    }
    Ok(flushed)
}

/// Tracks that are reduced together.
enum Group<'a> {
    One(usize),
    Fused { form: Form<'a>, tracks: Vec<usize> },
}

/// What the values of tracks have to have in common to be reduced together.
#[derive(PartialEq)]
struct Form<'a> {
    nature: &'a Nature,
    /// Of batch-level values, whose weight depends on it.
    scope: Option<usize>,
    device: Device,
    kind: Kind,
    /// The update and the length of each value.
    updates: Vec<(usize, i64)>,
}

fn groups(tracks: &[Track], policy: NonFinite) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (index, track) in tracks.iter().enumerate().filter(|(_, track)| !track.pending.is_empty()) {
        let Some(form) = form(track, policy) else {
            groups.push(Group::One(index));
            continue;
        };
        let known = groups.iter_mut().find_map(|group| match group {
            Group::Fused { form: known, tracks } if *known == form => Some(tracks),
            _ => None,
        });
        match known {
            Some(members) => members.push(index),
            None => groups.push(Group::Fused { form, tracks: vec![index] }),
        }
    }
    groups
}

/// The form of a track whose states are sums, over tensors of one kind on one device.
fn form(track: &Track, policy: NonFinite) -> Option<Form<'_>> {
    let nature = track.nature.as_ref().filter(|nature| matches!(nature, Nature::Samples(_) | Nature::Scalars))?;
    if policy == NonFinite::Skip || !track.additive {
        return None;
    }
    let Place::One(device, kind) = track.place else { return None };
    let updates = track.pending.iter().map(|pending| (pending.update, pending.rows)).collect();
    let scope = matches!(nature, Nature::Scalars).then_some(track.scope);
    Some(Form { nature, scope, device, kind, updates })
}

fn tensor(pending: &Pending) -> Option<&Tensor> {
    if let LeafValue::Tensor(tensor) = &pending.value { Some(tensor) } else { None }
}

/// The sums of tracks that were reduced together.
#[derive(Debug)]
pub(crate) struct Fused {
    members: Vec<usize>,
    sums: Sums,
}

/// Reduces tracks of one form, values of one length at a time: of a usual window all but the last batch.
fn fused(tracks: &[Track], members: Vec<usize>, updates: &[Update]) -> Result<Option<Fused>> {
    let mut lengths = tracks[members[0]].pending.iter().map(|pending| pending.rows).collect::<Vec<_>>();
    lengths.sort_unstable();
    lengths.dedup();
    let mut total: Option<Sums> = None;
    for length in lengths {
        let sums = Sums::of(tracks, &members, length, updates)?;
        total = Some(match total {
            None => sums,
            Some(total) => total.merged(&sums)?,
        });
    }
    Ok(total.map(|sums| Fused { members, sums }))
}

impl Fused {
    /// Whether two are of the same tracks on the same device.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.members == other.members && self.sums.weighted.device() == other.sums.weighted.device()
    }

    pub(crate) fn merged(&self, other: &Self) -> Result<Self> {
        Ok(Self { members: self.members.clone(), sums: self.sums.merged(&other.sums)? })
    }

    /// What it comes to for each of its tracks.
    pub(crate) fn lifted(&self, tracks: &[Track]) -> Result<Vec<(usize, Lifted)>> {
        let members = (0..).zip(&self.members);
        members.map(|(row, &member)| Ok((member, self.sums.lifted(row, &tracks[member])?))).collect()
    }
}

/// The sums over the values of several tracks, a row for each.
#[derive(Debug)]
struct Sums {
    /// The sum of values by their weight, and the sum of weights: `[tracks, 2]`.
    weighted: Tensor,
    /// The plain sum of values: `[tracks, 1]`.
    plain: Tensor,
    /// The number of samples: `[1]`.
    samples: Tensor,
    /// The first update with a value that is not finite, else infinity: `[tracks, 1]`.
    first: Tensor,
}

impl Sums {
    fn of(tracks: &[Track], members: &[usize], length: i64, updates: &[Update]) -> Result<Self> {
        let pending = |member: &usize| tracks[*member].pending.iter().filter(|pending| pending.rows == length);
        let tensors = members.iter().flat_map(pending).filter_map(tensor).collect::<Vec<_>>();
        let device = tensors.first().map_or(Device::Cpu, |tensor| tensor.device());
        let here = pending(&members[0]).map(|pending| &updates[pending.update]).collect::<Vec<_>>();
        let (rows, columns) = (members.len() as i64, here.len() as i64);
        let numbers = here.iter().map(|update| update.number as f64).collect::<Vec<_>>();
        let numbers = crate::batch::to_device(&Tensor::f_from_slice(&numbers)?, device)?;
        let scope = tracks[members[0]].scope;
        let per_sample = matches!(tracks[members[0]].nature, Some(Nature::Samples(_)));

        // By update first: a value that is not finite makes the sum of its update so.
        let by_update = if per_sample {
            Tensor::f_cat(&tensors, 0)?.f_view([rows, columns, -1])?.f_sum_dim_intlist(-1, false, Kind::Double)?
        } else {
            Tensor::f_stack(&tensors, 0)?.f_view([rows, columns])?.f_to_kind(Kind::Double)?
        };
        let (weighted, weight, samples, finite) = if per_sample {
            let entries = tensors.first().map_or(0, |tensor| tensor.numel()) as i64 * columns;
            let full = |value: i64| full([1], value, (Kind::Double, device));
            (by_update.shallow_clone(), full(entries)?, full(length * columns)?, by_update.f_isfinite()?)
        } else {
            let weights = Samples::stack(here.iter().map(|update| &update.samples[scope]), device)?;
            let weight = weights.f_sum(Kind::Double)?.f_reshape([1])?;
            let counted = by_update.try_masked_fill(&weights.try_eq(0)?, 0.0)?;
            let finite = counted.f_isfinite()?;
            (counted.f_mul(&weights)?, weight.shallow_clone(), weight, finite)
        };
        let sum = |values: &Tensor| values.f_sum_dim_intlist(-1, true, Kind::Double);
        let plain = sum(&by_update)?;
        let weighted = Tensor::f_cat(&[sum(&weighted)?, weight.f_expand([rows, 1], false)?], 1)?;
        let never = numbers.try_full_like(f64::INFINITY)?;
        let first = never.f_where_self(&finite, &numbers)?.f_amin(-1_i64, true)?;
        Ok(Self { weighted, plain, samples, first })
    }

    fn merged(&self, other: &Self) -> Result<Self> {
        Ok(Self {
            weighted: self.weighted.f_add(&other.weighted)?,
            plain: self.plain.f_add(&other.plain)?,
            samples: self.samples.f_add(&other.samples)?,
            first: self.first.f_minimum(&other.first)?,
        })
    }

    /// The state of one track.
    fn lifted(&self, row: i64, track: &Track) -> Result<Lifted> {
        let state = |reduce: &Reduce| {
            Ok(State::new([match reduce.additive() {
                Some(Additive::Mean) | None => self.weighted.f_select(0, row)?,
                Some(Additive::Sum) => self.plain.f_select(0, row)?,
                Some(Additive::Count) => self.samples.shallow_clone(),
            }]))
        };
        let states = track.reduces.iter().map(state).collect::<Result<_>>()?;
        Ok(Lifted { states, finite: Finite { first: self.first.f_select(0, row)?, skipped: None } })
    }
}
