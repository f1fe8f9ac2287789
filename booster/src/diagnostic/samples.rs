//! How many samples the batch-level leaves of diagnostics stand for, struct by struct.

use booster_sys::scalar::full;
use tch::{Device, Kind, Tensor};

use super::leaf::LeafRef;
use super::leaf::layout::LeafInfo;
use super::reduction::Additive;
use super::schema::{Entry, Field, Schema};
use crate::device::to_device;
use crate::error::{Error, Result};
use crate::transfers;

/// The number of samples that a batch-level leaf counts for.
#[derive(Debug)]
pub(crate) enum Samples {
    /// Known on the host.
    Host(f64),
    /// A 0-dimensional tensor on a device, of any real kind.
    Device(Tensor),
}

/// The structs that diagnostics consist of: the outermost, then those flattened into it, in the schema's order.
#[derive(Debug, Default)]
pub(crate) struct Scopes(Vec<Scope>);

/// A struct of diagnostics.
#[derive(Debug, Default)]
struct Scope {
    /// The struct that flattens it.
    outer: Option<usize>,
    /// Those that it flattens.
    parts: Vec<usize>,
    /// Its own fields, by their place in the schema.
    fields: Vec<(usize, &'static Field)>,
    /// The field marked `#[metric(samples)]`.
    stated: Option<(usize, &'static Field)>,
    /// Whether it knows the size of the batch.
    of_batch: bool,
}

/// A number of samples with the field that says it.
type Said = (Samples, &'static Field);

impl Scopes {
    /// Those of diagnostics that are not known yet.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(schema: &Schema) -> Self {
        let mut scopes = Self::new();
        scopes.add(schema.entries, None, &mut 0);
        scopes
    }

    fn add(&mut self, entries: &'static [Entry], outer: Option<usize>, place: &mut usize) -> usize {
        let scope = self.0.len();
        self.0.push(Scope { outer, ..Scope::default() });
        for entry in entries {
            match entry {
                Entry::Field(field) => {
                    self.0[scope].fields.push((*place, field));
                    if field.samples {
                        self.0[scope].stated = Some((*place, field));
                    }
                    *place += 1;
                }
                Entry::Flatten(schema) => {
                    let part = self.add(schema.entries, Some(scope), place);
                    self.0[scope].parts.push(part);
                }
                Entry::BatchSize => self.0[scope].of_batch = true,
            }
        }
        scope
    }

    /// The scope of each field, in the schema's order.
    pub(crate) fn of_fields(&self) -> Vec<usize> {
        let mut places = Vec::new();
        for (index, scope) in self.0.iter().enumerate() {
            places.extend(scope.fields.iter().map(|&(place, _)| (place, index)));
        }
        places.sort_unstable();
        places.into_iter().map(|(_, scope)| scope).collect()
    }

    /// How many samples the batch-level leaves of each scope stand for: as many as the struct says by its marked field
    /// or else by the length of its required per-sample leaves, or by the batch's size where it is the one that knows it;
    /// else what the nearest struct around it says; else what the structs flattened into it, or into one around it, agree
    /// on; else the batch's size, or 1 where none is known.
    pub(crate) fn samples(&self, leaves: &[LeafInfo<'_>], batch: Option<i64>) -> Result<Vec<Samples>> {
        let said = self.0.iter().map(|scope| scope.said(leaves)).collect::<Result<Vec<_>>>()?;
        (0..self.0.len()).map(|scope| self.resolve(scope, &said, leaves, batch)).collect()
    }

    fn resolve(
        &self,
        scope: usize,
        said: &[Option<Said>],
        leaves: &[LeafInfo<'_>],
        batch: Option<i64>,
    ) -> Result<Samples> {
        let otherwise = Samples::Host(batch.map_or(1.0, |size| size as f64));
        if said[scope].is_none() && self.0[scope].of_batch && batch.is_some() {
            return Ok(otherwise);
        }
        if let Some((samples, _)) = self.outward(scope).find_map(|scope| said[scope].as_ref()) {
            return Ok(samples.share());
        }
        if !self.0[scope].is_asked(leaves) {
            return Ok(otherwise);
        }
        for around in self.outward(scope) {
            match self.agreed(around, said) {
                Ok(None) => {}
                Ok(Some((samples, _))) => return Ok(samples.share()),
                Err(_) if self.0[around].of_batch && batch.is_some() => return Ok(otherwise),
                Err(differ) => return Err(differ),
            }
        }
        Ok(otherwise)
    }

    /// A scope and those around it, outward.
    fn outward(&self, scope: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(scope), |&scope| self.0[scope].outer)
    }

    /// What the parts of a scope say, where they agree.
    fn agreed<'s>(&self, scope: usize, said: &'s [Option<Said>]) -> Result<Option<&'s Said>> {
        let mut agreed: Option<&Said> = None;
        for &part in &self.0[scope].parts {
            let found = match &said[part] {
                Some(said) => Some(said),
                None => self.agreed(part, said)?,
            };
            match (agreed, found) {
                (Some(expected), Some(found)) => same(expected, found)?,
                (None, found) => agreed = found,
                (Some(_), None) => {}
            }
        }
        Ok(agreed)
    }
}

impl Scope {
    /// What the struct itself says. Optional leaves say nothing: they may be there in some steps only.
    fn said(&self, leaves: &[LeafInfo<'_>]) -> Result<Option<Said>> {
        if let Some((place, field)) = self.stated {
            return Ok(Some((stated(field, leaves[place].leaf)?, field)));
        }
        let mut agreed: Option<(i64, &'static Field)> = None;
        for &(place, field) in &self.fields {
            let Some(&found) = leaves[place].size().first() else { continue };
            match agreed {
                _ if leaves[place].is_optional => {}
                None => agreed = Some((found, field)),
                Some((expected, other)) if expected != found => return Err(differ(field, found, other, expected)),
                Some(_) => {}
            }
        }
        Ok(agreed.map(|(length, field)| (Samples::Host(length as f64), field)))
    }

    /// Whether a leaf of its own depends on its number of samples.
    fn is_asked(&self, leaves: &[LeafInfo<'_>]) -> bool {
        let asks = |field: &Field| field.metrics.iter().any(|metric| metric.reduce.additive() != Some(Additive::Sum));
        self.fields.iter().any(|&(place, field)| leaves[place].is_batch_level() && asks(field))
    }
}

/// The number that a marked field holds.
fn stated(field: &Field, leaf: LeafRef<'_>) -> Result<Samples> {
    match leaf {
        LeafRef::Tensor(tensor) if tensor.dim() == 0 => {
            let number = Samples::Device(tensor.f_detach()?);
            // Nothing waits for the host's own memory.
            if transfers::is_on_host(tensor.device()) { number.read().map(Samples::Host) } else { Ok(number) }
        }
        leaf => {
            let expected = "a number of samples (a number or a 0-dimensional tensor)";
            leaf.number().map(Samples::Host).ok_or_else(|| field.error(expected, leaf))
        }
    }
}

/// An error where two numbers of samples differ, or may.
fn same((expected, other): &Said, (found, field): &Said) -> Result<()> {
    match (expected, found) {
        (Samples::Host(expected), Samples::Host(found)) if expected == found => Ok(()),
        (Samples::Host(expected), Samples::Host(found)) => Err(differ(field, *found as i64, other, *expected as i64)),
        _ => {
            let Field { group, name, .. } = other;
            let expected = format_args!("a number on the host, to be compared with `{group}/{name}`");
            Err(field.error(expected, "a number on a device"))
        }
    }
}

fn differ(field: &Field, found: i64, other: &Field, expected: i64) -> Error {
    let other = format!("{}/{}", other.group, other.name);
    Error::SampleCount { group: field.group, field: field.name, found, other, expected }
}

impl Samples {
    /// Another handle to the same number.
    fn share(&self) -> Self {
        match self {
            Self::Host(number) => Self::Host(*number),
            Self::Device(tensor) => Self::Device(tensor.shallow_clone()),
        }
    }

    /// The number on the host: of one on a device, it waits.
    pub(crate) fn read(&self) -> Result<f64> {
        match self {
            Self::Host(number) => Ok(*number),
            Self::Device(tensor) => {
                let on_host = to_device(tensor, Device::Cpu)?.f_to_kind(Kind::Double)?;
                Ok(transfers::sum_on_host(&on_host)?.0)
            }
        }
    }

    /// The device that the host would have to wait for to know the number.
    pub(crate) fn device(&self) -> Option<Device> {
        if let Self::Device(tensor) = self { Some(tensor.device()) } else { None }
    }

    pub(crate) fn tensor_mut(&mut self) -> Option<&mut Tensor> {
        if let Self::Device(tensor) = self { Some(tensor) } else { None }
    }

    /// Several numbers as one tensor of doubles.
    pub(crate) fn stack<'a>(numbers: impl Iterator<Item = &'a Self>, device: Device) -> Result<Tensor> {
        let numbers = numbers.collect::<Vec<_>>();
        let on_host = numbers.iter().map(|number| if let Self::Host(number) = number { Some(*number) } else { None });
        // Elsewhere each is written on the device: for numbers that are sent there the host would wait.
        if device == Device::Cpu
            && let Some(on_host) = on_host.collect::<Option<Vec<_>>>()
        {
            return Ok(Tensor::f_from_slice(&on_host)?);
        }
        let tensors = numbers.into_iter().map(|number| match number {
            Self::Host(number) => Ok(full([0_i64; 0], *number, (Kind::Double, device))?),
            Self::Device(tensor) => Ok(to_device(tensor, device)?.f_to_kind(Kind::Double)?),
        });
        Ok(Tensor::f_stack(&tensors.collect::<Result<Vec<_>>>()?, 0)?)
    }
}
