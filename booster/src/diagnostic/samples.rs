//! Sample counts of batch-level leaves, per struct.

use booster_sys::scalar::full;
use tch::{Device, Kind, Tensor};

use super::leaf::LeafRef;
use super::leaf::layout::LeafInfo;
use super::reduction::Additive;
use super::schema::{Entry, Field, Schema};
use crate::device::to_device;
use crate::error::{Error, Result};
use crate::transfers;

/// The number of samples that a batch-level leaf represents.
#[derive(Debug)]
pub(crate) enum Samples {
    /// A number on the host.
    Host(f64),
    /// A 0-dimensional tensor on a device, of any real kind.
    Device(Tensor),
}

/// The structs of diagnostics: the outermost, then those flattened into it, in schema order.
#[derive(Debug, Default)]
pub(crate) struct Scopes(Vec<Scope>);

/// A struct of diagnostics.
#[derive(Debug, Default)]
struct Scope {
    /// The index of the struct that this one is flattened into.
    outer: Option<usize>,
    /// The indices of the structs flattened into this one.
    parts: Vec<usize>,
    /// The struct's own fields, with their indices in the schema.
    fields: Vec<(usize, &'static Field)>,
    /// The field marked `#[metric(samples)]`.
    stated: Option<(usize, &'static Field)>,
    /// Whether the struct knows the batch size.
    of_batch: bool,
}

/// A sample count and the field that states it.
type Said = (Samples, &'static Field);

impl Scopes {
    /// Creates an empty placeholder for diagnostics not seen yet.
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

    /// Returns the scope of each field, in schema order.
    pub(crate) fn of_fields(&self) -> Vec<usize> {
        let mut places = Vec::new();
        for (index, scope) in self.0.iter().enumerate() {
            places.extend(scope.fields.iter().map(|&(place, _)| (place, index)));
        }
        places.sort_unstable();
        places.into_iter().map(|(_, scope)| scope).collect()
    }

    /// Returns the number of samples that the batch-level leaves of each scope represent. The first known count wins:
    /// 1. the struct's own: that of its marked field or of its required per-sample leaves, or the batch size if the
    ///    struct knows it;
    /// 2. that of the nearest enclosing struct that has one;
    /// 3. that of the structs flattened into it, or into an enclosing struct, which must agree;
    /// 4. the batch size, or else 1.
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

    /// Iterates over a scope and its enclosing ones, innermost first.
    fn outward(&self, scope: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(scope), |&scope| self.0[scope].outer)
    }

    /// Returns the count that the parts of a scope agree on.
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
    /// Returns the struct's own count. Optional leaves are ignored, since they may be present in only some steps.
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

    /// Returns whether any reduction of the struct's own batch-level leaves depends on the sample count.
    fn is_asked(&self, leaves: &[LeafInfo<'_>]) -> bool {
        let asks = |field: &Field| field.metrics.iter().any(|metric| metric.reduce.additive() != Some(Additive::Sum));
        self.fields.iter().any(|&(place, field)| leaves[place].is_batch_level() && asks(field))
    }
}

/// Returns the count in a marked field.
fn stated(field: &Field, leaf: LeafRef<'_>) -> Result<Samples> {
    match leaf {
        LeafRef::Tensor(tensor) if tensor.dim() == 0 => {
            let number = Samples::Device(tensor.f_detach()?);
            // Reading on the host does not wait for a device.
            if transfers::is_on_host(tensor.device()) { number.read().map(Samples::Host) } else { Ok(number) }
        }
        leaf => {
            let expected = "a sample count (a number or a 0-dimensional tensor)";
            leaf.number().map(Samples::Host).ok_or_else(|| field.error(expected, leaf))
        }
    }
}

/// Checks that two sample counts are equal. Both must be on the host.
fn same((expected, other): &Said, (found, field): &Said) -> Result<()> {
    match (expected, found) {
        (Samples::Host(expected), Samples::Host(found)) if expected == found => Ok(()),
        (Samples::Host(expected), Samples::Host(found)) => Err(differ(field, *found as i64, other, *expected as i64)),
        _ => {
            let Field { group, name, .. } = other;
            let expected = format_args!("a sample count on the host to compare with `{group}/{name}`");
            Err(field.error(expected, "one on a device"))
        }
    }
}

fn differ(field: &Field, found: i64, other: &Field, expected: i64) -> Error {
    let other = format!("{}/{}", other.group, other.name);
    Error::SampleCount { group: field.group, field: field.name, found, other, expected }
}

impl Samples {
    /// Returns a shallow clone.
    fn share(&self) -> Self {
        match self {
            Self::Host(number) => Self::Host(*number),
            Self::Device(tensor) => Self::Device(tensor.shallow_clone()),
        }
    }

    /// Returns the number, waiting for its device unless it is on the host.
    pub(crate) fn read(&self) -> Result<f64> {
        match self {
            Self::Host(number) => Ok(*number),
            Self::Device(tensor) => {
                let on_host = to_device(tensor, Device::Cpu)?.f_to_kind(Kind::Double)?;
                Ok(transfers::sum_on_host(&on_host)?.0)
            }
        }
    }

    /// Returns the device that a read would wait for.
    pub(crate) fn device(&self) -> Option<Device> {
        if let Self::Device(tensor) = self { Some(tensor.device()) } else { None }
    }

    pub(crate) fn tensor_mut(&mut self) -> Option<&mut Tensor> {
        if let Self::Device(tensor) = self { Some(tensor) } else { None }
    }

    /// Stacks several numbers into a tensor of doubles, `[n]`.
    pub(crate) fn stack<'a>(numbers: impl Iterator<Item = &'a Self>, device: Device) -> Result<Tensor> {
        let numbers = numbers.collect::<Vec<_>>();
        let on_host = numbers.iter().map(|number| if let Self::Host(number) = number { Some(*number) } else { None });
        // On other devices, each number is created by a fill on the device, since an upload would make the host wait.
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
