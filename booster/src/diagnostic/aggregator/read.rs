//! Reading field states, with one read per device.

use tch::{Device, Kind, Tensor};

use super::field_state::FieldState;
use crate::diagnostic::reduction::{HostState, State};
use crate::diagnostic::schema::{Field, Metric};
use crate::diagnostic::value::Value;
use crate::error::{NonFiniteReport, Result};
use crate::transfers;

/// The state of a field, read to the host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HostFieldState {
    /// One state per reduction; `None` before the first value.
    pub(crate) states: Option<Vec<HostState>>,
    /// The first update with a non-finite value, or infinity.
    pub(crate) first: f64,
    /// The number of skipped values.
    pub(crate) skipped: f64,
}

impl HostFieldState {
    pub(crate) fn report(&self, field: &'static Field) -> Option<NonFiniteReport> {
        let found = self.first.is_finite();
        let Field { group, name: field, .. } = *field;
        found.then_some(NonFiniteReport { group, field, update: self.first as u64, skipped: self.skipped as u64 })
    }
}

/// Reads the states of all fields, with one read per device.
pub(crate) fn read(field_states: &[FieldState]) -> Result<Vec<HostFieldState>> {
    let tensors = field_states.iter().flat_map(tensors).collect::<Vec<_>>();
    let mut numbers = read_tensors(&tensors)?.into_iter();
    let mut next = || numbers.next().unwrap_or_default();
    let read = |field_state: &FieldState| {
        let states = field_state.states.as_ref().map(|states| {
            let state = |state: &State| HostState {
                parts: state.parts().iter().map(|_| next()).collect(),
                dims: state.dims().to_vec(),
            };
            states.iter().map(state).collect()
        });
        let (mut first, mut skipped) = (f64::INFINITY, 0.0);
        if let Some(non_finite) = &field_state.non_finite {
            first = next().first().copied().unwrap_or(first);
            if non_finite.skipped.is_some() {
                skipped = next().first().copied().unwrap_or(skipped);
            }
        }
        HostFieldState { states, first, skipped }
    };
    Ok(field_states.iter().map(read).collect())
}

/// Returns the tensors of a field's state, in reading order.
fn tensors(field_state: &FieldState) -> impl Iterator<Item = &Tensor> {
    let states = field_state.states.iter().flatten().flat_map(State::parts);
    let finite = field_state.non_finite.iter().flat_map(|found| [Some(&found.first), found.skipped.as_ref()]);
    states.chain(finite.flatten())
}

/// Returns the numbers of each tensor, with one read per device.
fn read_tensors(tensors: &[&Tensor]) -> Result<Vec<Vec<f64>>> {
    let mut devices: Vec<Device> = Vec::new();
    for tensor in tensors {
        if !devices.contains(&tensor.device()) {
            devices.push(tensor.device());
        }
    }
    let mut read = vec![Vec::new(); tensors.len()];
    for device in devices {
        let here = (0..tensors.len()).filter(|&index| tensors[index].device() == device).collect::<Vec<_>>();
        let flat = here.iter().map(|&index| Ok(tensors[index].f_to_kind(Kind::Double)?.f_reshape([-1])?));
        let numbers = transfers::read(&Tensor::f_cat(&flat.collect::<Result<Vec<_>>>()?, 0)?)?;
        let mut rest = numbers.as_slice();
        for index in here {
            let (own, others) = rest.split_at(tensors[index].numel());
            read[index] = own.to_vec();
            rest = others;
        }
    }
    Ok(read)
}

impl FieldState {
    /// Computes the values of the field's metrics.
    pub(crate) fn finish(&self, read: &HostFieldState) -> Vec<Value> {
        let finish = |metric: &Metric| {
            let state = self.reduces.iter().position(|reduce| reduce.shares_state(&metric.reduce));
            let host = state.and_then(|index| read.states.as_ref().map(|states| &states[index]));
            host.map_or(Value::Absent, |host| metric.reduce.finish(host))
        };
        self.field.metrics.iter().map(finish).collect()
    }
}
