//! How many samples diagnostics stand for.

use booster_sys::scalar::full;
use tch::{Device, Kind, Tensor};

use super::leaf::LeafRef;
use super::schema::Field;
use super::seen::Seen;
use crate::batch::to_device;
use crate::error::{Error, Result};

/// The number of samples that a batch-level leaf counts for.
#[derive(Debug)]
pub(crate) enum Samples {
    /// Known on the host.
    Host(f64),
    /// A 0-dimensional double on a device.
    Device(Tensor),
}

/// The samples of diagnostics: those of the field marked `#[metric(samples)]`, else the length of the per-sample leaves,
/// else what is known otherwise.
pub(crate) fn samples(
    fields: impl Iterator<Item = &'static Field> + Clone,
    leaves: &[Seen<'_>],
    otherwise: f64,
) -> Result<Samples> {
    let marked = fields.clone().zip(leaves).filter(|(field, _)| field.samples);
    let mut is_marked = false;
    for (field, seen) in marked {
        is_marked = true;
        match seen.leaf {
            LeafRef::Absent => {}
            LeafRef::Tensor(tensor) if tensor.dim() == 0 => {
                return Ok(Samples::Device(tensor.f_detach()?.f_to_kind(Kind::Double)?));
            }
            leaf => {
                return leaf.number().map(Samples::Host).ok_or_else(|| Error::Leaf {
                    group: field.group,
                    field: field.name,
                    expected: "a number of samples (a number or a 0-dimensional tensor)".to_owned(),
                    found: leaf.to_string(),
                });
            }
        }
    }
    if is_marked {
        return Ok(Samples::Host(otherwise));
    }
    Ok(Samples::Host(per_sample_length(fields, leaves)?.map_or(otherwise, |length| length as f64)))
}

/// The length that the per-sample leaves agree on. An optional one may differ: it can hold some shards' samples alone.
fn per_sample_length(fields: impl Iterator<Item = &'static Field>, leaves: &[Seen<'_>]) -> Result<Option<i64>> {
    let mut agreed: Option<(i64, &Field)> = None;
    let mut of_optional = None;
    for (field, seen) in fields.zip(leaves) {
        let Some(&found) = seen.size.first() else { continue };
        if field.optional {
            of_optional = of_optional.max(Some(found));
            continue;
        }
        match agreed {
            None => agreed = Some((found, field)),
            Some((expected, other)) if expected != found => {
                let other = format!("{}/{}", other.group, other.name);
                return Err(Error::SampleCount { group: field.group, field: field.name, found, other, expected });
            }
            Some(_) => {}
        }
    }
    Ok(agreed.map(|(length, _)| length).or(of_optional))
}

impl Samples {
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
            Self::Device(tensor) => to_device(tensor, device),
        });
        Ok(Tensor::f_stack(&tensors.collect::<Result<Vec<_>>>()?, 0)?)
    }
}
