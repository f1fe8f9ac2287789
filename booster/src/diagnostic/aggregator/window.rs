//! The window of pending updates and their properties on each device.

use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Kind, Tensor};

use super::partial::meeting_place;
use super::pending::Pending;
use crate::device::to_device;
use crate::diagnostic::samples::Samples;
use crate::error::Result;
use crate::transfers;

/// The updates with pending values, in two reused lists: a long-lived allocation per update would push libtorch's
/// tensors to different addresses at each step.
#[derive(Debug, Default)]
pub(crate) struct Updates {
    /// The numbers of the updates, counted from 0.
    numbers: Vec<u64>,
    /// The sample counts of each scope, for each update in turn.
    samples: Vec<Samples>,
}

impl Updates {
    pub(crate) const fn new() -> Self {
        Self { numbers: Vec::new(), samples: Vec::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(crate) fn push(&mut self, number: u64, samples: Vec<Samples>) {
        self.numbers.push(number);
        self.samples.extend(samples);
    }

    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        self.samples.clear();
    }

    /// Returns the sample count of a scope in the update at an index.
    fn samples(&self, place: usize, scope: usize) -> &Samples {
        &self.samples[place * (self.samples.len() / self.numbers.len()) + scope]
    }
}

/// The pending updates and their tables on each device. Fields whose values have the same updates and lengths share a
/// table, so that it is uploaded once.
pub(crate) struct Window<'a> {
    updates: &'a Updates,
    tables: Vec<Table>,
}

/// The updates of some values on a device, as tensors of doubles, `[values]`.
#[derive(Debug)]
pub(crate) struct Table {
    device: Device,
    /// The scope of the sample counts, for batch-level values.
    scope: Option<usize>,
    /// The index of each value's update in the window, and its number of rows.
    values: Vec<(usize, i64)>,
    /// The number of each value's update.
    numbers: Tensor,
    /// The sample count of each value; 1 unless it is a batch-level value.
    pub(crate) samples: Tensor,
    /// The number of rows of each value.
    lengths: Tensor,
    /// Whether all values have the same number of rows.
    are_alike: bool,
}

impl<'a> Window<'a> {
    pub(crate) const fn new(updates: &'a Updates) -> Self {
        Self { updates, tables: Vec::new() }
    }

    /// Returns the number of a pending value's update.
    pub(crate) fn number(&self, pending: &Pending) -> u64 {
        self.updates.numbers[pending.update]
    }

    /// Returns the device for joining values, chosen among those of the values and their sample counts.
    pub(crate) fn meeting_place(&self, pending: &[Pending], scope: Option<usize>) -> Device {
        let of_values = pending.iter().flat_map(Pending::devices).flatten();
        let of_samples = pending.iter().filter_map(|pending| self.updates.samples(pending.update, scope?).device());
        meeting_place(of_values.chain(of_samples))
    }

    /// Returns the table of some values, creating it if needed.
    pub(crate) fn table(&mut self, pending: &[Pending], scope: Option<usize>, device: Device) -> Result<&Table> {
        let values = pending.iter().map(|pending| (pending.update, pending.rows)).collect::<Vec<_>>();
        let is_known = |table: &Table| (table.device, table.scope) == (device, scope) && table.values == values;
        let index = self.tables.iter().position(is_known).unwrap_or(self.tables.len());
        if index == self.tables.len() {
            self.tables.push(Table::new(self.updates, values, scope, device)?);
        }
        Ok(&self.tables[index])
    }
}

impl Table {
    fn new(updates: &Updates, values: Vec<(usize, i64)>, scope: Option<usize>, device: Device) -> Result<Self> {
        let count = values.len();
        let samples = || {
            values.iter().map(|&(update, _)| scope.map_or(&Samples::Host(1.0), |scope| updates.samples(update, scope)))
        };
        let numbers = values.iter().map(|&(update, _)| updates.numbers[update] as f64);
        let known = samples().map(|samples| if let Samples::Host(samples) = samples { *samples } else { 0.0 });
        let lengths = values.iter().map(|&(_, rows)| rows as f64);
        let sent = transfers::upload(&numbers.chain(known).chain(lengths).collect::<Vec<_>>(), device)?;
        let part = |part: usize| sent.f_narrow(0, (part * count) as i64, count as i64);
        let known = part(1)?;
        let sample = |(index, samples): (usize, &Samples)| match samples {
            Samples::Host(_) => Ok(known.f_select(0, index as i64)?),
            Samples::Device(tensor) => Ok(to_device(tensor, device)?.f_to_kind(Kind::Double)?),
        };
        let samples = if samples().all(|samples| matches!(samples, Samples::Host(_))) {
            known
        } else {
            Tensor::f_stack(&samples().enumerate().map(sample).collect::<Result<Vec<_>>>()?, 0)?
        };
        let first = values.first().map(|&(_, rows)| rows);
        let are_alike = values.iter().all(|&(_, rows)| Some(rows) == first);
        Ok(Self { numbers: part(0)?, samples, lengths: part(2)?, device, scope, values, are_alike })
    }

    /// Returns the number of the first update with a non-finite row, or infinity, `[1]`. `finite` splits the values
    /// into a given number of equal parts and returns whether each is finite.
    #[expect(clippy::disallowed_methods, reason = "given the number of rows, libtorch does not ask the device for it")]
    pub(crate) fn first_non_finite(&self, finite: impl Fn(i64) -> Result<Tensor>) -> Result<Tensor> {
        let (finite, numbers) = if self.are_alike {
            (finite(self.values.len() as i64)?, self.numbers.shallow_clone())
        } else {
            let lengths = self.lengths.f_to_kind(Kind::Int64)?;
            let rows = self.values.iter().map(|&(_, rows)| rows).sum::<i64>();
            (finite(rows)?, self.numbers.f_repeat_interleave_self_tensor(&lengths, 0, rows)?)
        };
        Ok(numbers.try_masked_fill(&finite, f64::INFINITY)?.f_amin(0, true)?)
    }
}

/// Moves pending values from devices without doubles to the host, where they are reduced exactly, with one read per
/// device.
pub(crate) fn fetch<'a>(pending: impl Iterator<Item = &'a mut Pending>, updates: &mut Updates) -> Result<()> {
    let mut pending = pending.collect::<Vec<_>>();
    let unwritten = pending.iter().map(|pending| pending.is_unwritten()).collect::<Vec<_>>();
    let of_values = pending.iter_mut().flat_map(|pending| pending.tensors_mut());
    let of_samples = updates.samples.iter_mut().filter_map(Samples::tensor_mut);
    let mut away =
        of_values.chain(of_samples).filter(|tensor| !transfers::has_doubles(tensor.device())).collect::<Vec<_>>();
    while let Some(device) = away.first().map(|tensor| tensor.device()) {
        let (mut here, elsewhere): (Vec<_>, Vec<_>) = away.into_iter().partition(|tensor| tensor.device() == device);
        let fetched = transfers::fetch(&here.iter().map(|tensor| &**tensor).collect::<Vec<_>>())?;
        here.iter_mut().zip(fetched).for_each(|(tensor, fetched)| **tensor = fetched);
        away = elsewhere;
    }
    // Fetched tensors are new and have their own write counts.
    pending
        .iter_mut()
        .zip(unwritten)
        .filter(|(_, unwritten)| *unwritten)
        .for_each(|(pending, _)| pending.count_writes());
    Ok(())
}
