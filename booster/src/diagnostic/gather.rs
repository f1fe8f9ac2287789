//! The diagnostics of several shards of one batch, as one.

use std::cmp::Ordering;
use std::time::Duration;

use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Kind, Tensor};

use super::chunk::{Chunk, Content};
use super::leaf::{LeafRef, LeafValue};
use super::samples::{Samples, Scopes};
use super::schema::Field;
use super::weights::{Ratio, Weighted, rows_of};
use super::{Diagnostic, Leaves, LeavesMut};
use crate::batch::FieldPath;
use crate::device::{concatenate, to_device};
use crate::error::{Error, Result};
use crate::functional::widest_float;
use crate::transfers::has_doubles;

/// Gathers into the first shard. `sizes` are the numbers of samples of shards whose diagnostics do not tell; without
/// them each such shard counts alike.
pub(crate) fn gather<D: Diagnostic>(mut shards: Vec<D>, sizes: Option<&[i64]>) -> Result<D> {
    if shards.is_empty() {
        return Err(Error::EmptyBatch);
    }
    let fields = D::SCHEMA.fields();
    let scopes = Scopes::of(&D::SCHEMA);
    let scope_of_field = scopes.of_fields();
    let leaves = shards.iter().map(|shard| Leaves::of(shard, fields.len())).collect::<Vec<_>>();
    let check = |leaves: &Leaves<'_>| leaves.seen.iter().zip(&fields).try_for_each(|(seen, field)| seen.check(field));
    leaves.iter().try_for_each(check)?;
    let count = |(index, Leaves { seen, batch_size }): (usize, &Leaves<'_>)| {
        scopes.samples(seen, batch_size.or_else(|| sizes.and_then(|sizes| sizes.get(index).copied())))
    };
    let counts = leaves.iter().enumerate().map(count).collect::<Result<Vec<_>>>()?;
    let column = |(index, &field): (usize, &&'static Field)| {
        let counts = counts.iter().map(|counts| &counts[scope_of_field[index]]);
        let shards = leaves.iter().map(|leaves| leaves.seen[index].leaf).zip(counts);
        let shards = shards.filter(|(leaf, _)| !matches!(leaf, LeafRef::Absent)).collect();
        Column { field, shards }.gather()
    };
    let gathered = fields.iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;

    let mut first = shards.swap_remove(0);
    for ((leaf, value), field) in LeavesMut::of(&mut first).into_iter().zip(gathered).zip(&fields) {
        leaf.assign(value).map_err(|value| {
            error(field, "a combined value that the field's type can hold".to_owned(), format!("{value:?}"))
        })?;
    }
    Ok(first)
}

/// How batch-level values of shards become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combine {
    Mean,
    Sum,
    Min,
    Max,
    Last,
}

/// The values of one field, of the shards that have it, with the samples of each.
struct Column<'a> {
    field: &'static Field,
    shards: Vec<(LeafRef<'a>, &'a Samples)>,
}

impl Column<'_> {
    fn gather(&self) -> Result<LeafValue> {
        Ok(match self.shards.first() {
            None | Some((LeafRef::Absent | LeafRef::Present(_), _)) => LeafValue::Absent,
            Some((LeafRef::Tensor(tensor), _)) if tensor.dim() == 0 => LeafValue::Tensor(self.scalar()?),
            Some((LeafRef::Tensor(_), _)) => LeafValue::Tensor(self.join(|leaf| match leaf {
                LeafRef::Tensor(tensor) => Some(Ok(tensor.shallow_clone())),
                _ => None,
            })?),
            Some((LeafRef::Weighted(weighted), _)) if weighted.value.dim() == 0 => {
                LeafValue::Weighted(self.weighted_scalar()?)
            }
            Some((LeafRef::Weighted(_), _)) => LeafValue::Weighted(Weighted::new(
                self.join(|leaf| of_weighted(leaf).map(|weighted| Ok(weighted.value.shallow_clone())))?,
                self.join(|leaf| of_weighted(leaf).map(row_weights))?,
            )),
            Some((LeafRef::Ratio(_), _)) => LeafValue::Ratio(self.ratio()?),
            Some((LeafRef::Float(_) | LeafRef::Integer(_) | LeafRef::Boolean(_) | LeafRef::Duration(_), _)) => {
                self.number()?
            }
        })
    }

    /// How batch-level values are combined: by the field's first reduction. Those that describe a distribution have the
    /// mean of the shards for a value.
    fn combine(&self) -> Combine {
        match self.field.metrics.first().map(|metric| metric.reduce.name()) {
            Some("sum") => Combine::Sum,
            Some("min") => Combine::Min,
            Some("max") => Combine::Max,
            Some("last") => Combine::Last,
            _ => Combine::Mean,
        }
    }

    /// Joins one tensor of each shard along the samples.
    fn join(&self, part: impl Fn(LeafRef<'_>) -> Option<Result<Tensor>>) -> Result<Tensor> {
        let parts = self.shards.iter().filter_map(|(leaf, _)| part(*leaf)).collect::<Result<Vec<_>>>()?;
        concatenate(FieldPath::ROOT, &parts.iter().collect::<Vec<_>>()).map_err(|found| match found {
            Error::BatchMismatch { reason, .. } => error(self.field, "shards that can be joined".to_owned(), reason),
            other => other,
        })
    }

    /// Joins the ratios of the shards, of any shapes, row by row, so that a row may be left out still; one whose rows are
    /// not known becomes one.
    fn ratio(&self) -> Result<Ratio> {
        let ratios = self.shards.iter().filter_map(|(leaf, _)| of_ratio(*leaf)).collect::<Vec<_>>();
        let rows = |ratio: &Ratio| rows_of(&ratio.numerator.size(), &ratio.denominator.size());
        let part = |part: fn(&Ratio) -> &Tensor| {
            let parts = ratios.iter().map(|&ratio| (part(ratio), rows(ratio).unwrap_or(1)));
            join_rows(&parts.collect::<Vec<_>>())
        };
        Ok(Ratio::new(part(|ratio| &ratio.numerator)?, part(|ratio| &ratio.denominator)?))
    }

    /// Combines 0-dimensional weighted values, which count by their weights: the weight of all is their sum.
    fn weighted_scalar(&self) -> Result<Weighted> {
        let weighted = self.shards.iter().filter_map(|(leaf, _)| of_weighted(*leaf)).collect::<Vec<_>>();
        let values = weighted.iter().map(|weighted| &weighted.value).collect::<Vec<_>>();
        let weights = weighted.iter().map(|weighted| &weighted.weight).collect::<Vec<_>>();
        let device = values.first().map_or(Device::Cpu, |value| value.device());
        let (values, weights) = (stacked(&values)?, stacked(&weights)?);
        let combine = match self.combine() {
            // The sum is that of the mean times the weight.
            Combine::Sum => Combine::Mean,
            combine => combine,
        };
        let weight = weights.f_sum(Kind::Double)?;
        let chunk = Chunk::from(Content::Batches { values, samples: weights });
        let value = combined(&chunk, combine)?;
        // Without weight there is no value, and nothing that it would count.
        let value = value.try_masked_fill(&weight.try_eq(0)?, 0.0)?;
        Ok(Weighted::new(back(&value, device)?, back(&weight, device)?))
    }

    /// Combines 0-dimensional tensors by the field's reduction, in double precision, without waiting for the device.
    fn scalar(&self) -> Result<Tensor> {
        let tensors = self.shards.iter().filter_map(|(leaf, _)| match leaf {
            LeafRef::Tensor(tensor) => Some(*tensor),
            _ => None,
        });
        let tensors = tensors.collect::<Vec<_>>();
        let [first, ..] = tensors[..] else { return Err(Error::EmptyBatch) };
        let kind = first.f_kind()?;
        let values = stacked(&tensors)?;
        let samples = Samples::stack(self.shards.iter().map(|(_, samples)| *samples), with_doubles(first.device()))?;
        let combine = self.combine();
        let chunk = Chunk::from(Content::Batches { values, samples });
        let combined = combined(&chunk, combine)?;
        let is_fraction = matches!(kind, Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double);
        let combined = match combine {
            // A mean of integers or bools may be a fraction: it stays a double then.
            Combine::Mean if !is_fraction => combined,
            // A sum may be more than a small kind holds.
            Combine::Sum if !is_fraction => combined.f_to_kind(Kind::Int64)?,
            _ => combined.f_to_kind(kind)?,
        };
        back(&combined, first.device())
    }

    /// Combines numbers on the host by the field's reduction.
    fn number(&self) -> Result<LeafValue> {
        // What stands for no sample takes no part, but in a sum where it is finite.
        let takes_part = |leaf: LeafRef<'_>, samples: &Samples| match samples {
            Samples::Host(0.0) if self.combine() == Combine::Sum => leaf.number().is_some_and(f64::is_finite),
            Samples::Host(0.0) => self.combine() == Combine::Mean,
            _ => true,
        };
        let counted = self.shards.iter().filter(|(leaf, samples)| takes_part(*leaf, samples));
        let mut leaves = counted.map(|(leaf, _)| *leaf).collect::<Vec<_>>();
        if leaves.is_empty() {
            leaves = self.shards.iter().map(|(leaf, _)| *leaf).collect();
        }
        let last = leaves.last().copied().unwrap_or(LeafRef::Absent);
        match self.combine() {
            Combine::Last => Ok(owned(last)),
            Combine::Min => Ok(extreme(&leaves, Ordering::Less)),
            Combine::Max => Ok(extreme(&leaves, Ordering::Greater)),
            Combine::Sum => self.sum(&leaves),
            Combine::Mean => self.mean(&leaves),
        }
    }

    fn sum(&self, leaves: &[LeafRef<'_>]) -> Result<LeafValue> {
        let integers = leaves.iter().map(|leaf| if let LeafRef::Integer(value) = leaf { Some(*value) } else { None });
        if let Some(sum) = integers.sum::<Option<i128>>() {
            return Ok(LeafValue::Integer(sum));
        }
        let bools = leaves.iter().map(|leaf| if let LeafRef::Boolean(value) = leaf { Some(*value) } else { None });
        if let Some(bools) = bools.collect::<Option<Vec<_>>>() {
            // The whole batch counts once, as on one device.
            return Ok(LeafValue::Boolean(bools.contains(&true)));
        }
        let sum = leaves.iter().filter_map(|leaf| leaf.number()).sum::<f64>();
        self.fraction(leaves, sum)
    }

    fn mean(&self, leaves: &[LeafRef<'_>]) -> Result<LeafValue> {
        let numbers = leaves.iter().filter_map(|leaf| leaf.number()).collect::<Vec<_>>();
        if let [first, rest @ ..] = leaves
            && rest.iter().all(|&leaf| compared(leaf, *first) == Some(Ordering::Equal))
        {
            return Ok(owned(leaves[0]));
        }
        let mut sums = (0.0, 0.0);
        for (number, (_, samples)) in numbers.iter().zip(&self.shards) {
            let samples = samples.read()?;
            if samples != 0.0 {
                sums = (sums.0 + number * samples, sums.1 + samples);
            }
        }
        self.fraction(leaves, sums.0 / sums.1)
    }

    /// A fraction in the type of the leaves, which an integer or a bool cannot hold.
    fn fraction(&self, leaves: &[LeafRef<'_>], value: f64) -> Result<LeafValue> {
        match leaves.first() {
            Some(LeafRef::Duration(_)) => match Duration::try_from_secs_f64(value) {
                Ok(duration) => Ok(LeafValue::Duration(duration)),
                Err(reason) => Err(error(self.field, "a duration".to_owned(), reason.to_string())),
            },
            Some(LeafRef::Float(_)) => Ok(LeafValue::Float(value)),
            _ => {
                let expected = format!(
                    "the same value in each shard, or a field of type `f64` or `Tensor`, to hold their {:?}",
                    self.combine()
                );
                Err(error(self.field, expected, value.to_string()))
            }
        }
    }
}

fn of_weighted(leaf: LeafRef<'_>) -> Option<&Weighted> {
    if let LeafRef::Weighted(weighted) = leaf { Some(weighted) } else { None }
}

fn of_ratio(leaf: LeafRef<'_>) -> Option<&Ratio> {
    if let LeafRef::Ratio(ratio) = leaf { Some(ratio) } else { None }
}

/// 0-dimensional tensors as one of doubles, `[shards]`, on the first one's device, or on the host if that has none.
fn stacked(tensors: &[&Tensor]) -> Result<Tensor> {
    let [first, ..] = tensors else { return Err(Error::EmptyBatch) };
    let device = with_doubles(first.device());
    let moved = tensors.iter().map(|tensor| Ok(to_device(tensor, device)?.f_to_kind(Kind::Double)?));
    Ok(Tensor::f_stack(&moved.collect::<Result<Vec<_>>>()?, 0)?)
}

/// Where values of a device are combined in double precision.
fn with_doubles(device: Device) -> Device {
    if has_doubles(device) { device } else { Device::Cpu }
}

/// What was combined, on a device, as what that can hold.
fn back(combined: &Tensor, device: Device) -> Result<Tensor> {
    let is_double = combined.f_kind()? == Kind::Double;
    let narrowed = if is_double { combined.f_to_kind(widest_float(device))? } else { combined.shallow_clone() };
    to_device(&narrowed, device)
}

/// Joins tensors, each with its number of rows; rows that differ in shape or kind are joined by their sums.
fn join_rows(parts: &[(&Tensor, i64)]) -> Result<Tensor> {
    let [(first, _), ..] = parts else { return Err(Error::EmptyBatch) };
    let (kind, device) = (first.f_kind()?, first.device());
    let widths = parts.iter().map(|(part, rows)| (part.numel() as i64) / rows).collect::<Vec<_>>();
    let are_alike = widths.iter().all(|width| *width == widths[0])
        && parts.iter().all(|(part, _)| part.f_kind().ok() == Some(kind));
    let rows = parts.iter().zip(&widths).map(|((part, rows), &width)| {
        let part = to_device(part, device)?.f_reshape([*rows, width])?;
        Ok(if are_alike { part } else { part.f_sum_dim_intlist(-1, true, widest_float(device))? })
    });
    let joined = Tensor::f_cat(&rows.collect::<Result<Vec<_>>>()?, 0)?;
    Ok(if joined.size()[1] == 1 { joined.f_squeeze_dim(1)? } else { joined })
}

/// Batch-level values as one, a 0-dimensional double.
fn combined(chunk: &Chunk, combine: Combine) -> Result<Tensor> {
    match combine {
        Combine::Mean => chunk.weighted_sums().and_then(|(sum, weight)| Ok(sum.f_div(&weight)?)),
        Combine::Sum => chunk.sum(),
        Combine::Min => Ok(chunk.counted_or(f64::INFINITY)?.f_min()?),
        Combine::Max => Ok(chunk.counted_or(f64::NEG_INFINITY)?.f_max()?),
        Combine::Last => Ok(chunk.last()?.0),
    }
}

/// The weights of a shard, one row for each row of its values, so that shards can be joined.
fn row_weights(weighted: &Weighted) -> Result<Tensor> {
    if weighted.weight.dim() > 0 {
        return Ok(weighted.weight.shallow_clone());
    }
    let length = weighted.value.size().first().copied().unwrap_or(1);
    Ok(weighted.weight.f_expand([length], false)?)
}

/// The number that is before the others in an order; NaN is before all.
fn extreme(leaves: &[LeafRef<'_>], order: Ordering) -> LeafValue {
    let replaces = |leaf, best| match compared(leaf, best) {
        Some(found) => found == order,
        None => leaf.number().is_some_and(f64::is_nan),
    };
    let best = leaves.iter().copied().reduce(|best, leaf| if replaces(leaf, best) { leaf } else { best });
    best.map_or(LeafValue::Absent, owned)
}

/// The order of two numbers on the host, exact for integers and durations, which doubles may not tell apart.
fn compared(one: LeafRef<'_>, other: LeafRef<'_>) -> Option<Ordering> {
    match (one, other) {
        (LeafRef::Integer(one), LeafRef::Integer(other)) => Some(one.cmp(&other)),
        (LeafRef::Duration(one), LeafRef::Duration(other)) => Some(one.cmp(&other)),
        _ => one.number()?.partial_cmp(&other.number()?),
    }
}

fn owned(leaf: LeafRef<'_>) -> LeafValue {
    match leaf {
        LeafRef::Float(value) => LeafValue::Float(value),
        LeafRef::Integer(value) => LeafValue::Integer(value),
        LeafRef::Boolean(value) => LeafValue::Boolean(value),
        LeafRef::Duration(value) => LeafValue::Duration(value),
        LeafRef::Absent | LeafRef::Present(_) | LeafRef::Tensor(_) | LeafRef::Ratio(_) | LeafRef::Weighted(_) => {
            LeafValue::Absent
        }
    }
}

fn error(field: &Field, expected: String, found: String) -> Error {
    Error::Leaf { group: field.group, field: field.name, expected, found }
}
