//! Combining tensors of several shards.

use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Kind, Tensor};

use super::column::Column;
use crate::device::{concatenate, to_device};
use crate::diagnostic::leaf::{LeafRef, Ratio, Weighted, rows_of};
use crate::diagnostic::reduction::{Content, Gather, LeafValues};
use crate::diagnostic::samples::Samples;
use crate::error::{Error, Result};
use crate::kind::widest_float;
use crate::transfers::has_doubles;

impl Column<'_> {
    /// Concatenates one tensor of each shard along the sample dimension.
    pub(super) fn join(&self, part: impl Fn(LeafRef<'_>) -> Option<Result<Tensor>>) -> Result<Tensor> {
        let parts = self.shards.iter().filter_map(|(leaf, _)| part(*leaf)).collect::<Result<Vec<_>>>()?;
        concatenate("shards", &parts.iter().collect::<Vec<_>>()).map_err(|found| match found {
            Error::BatchMismatch { reason, .. } => self.field.error("shards that can be joined", reason),
            other => other,
        })
    }

    /// Joins the ratios of the shards by rows, so that rows can still be skipped. Shapes may differ; a ratio with an
    /// unknown number of rows becomes one row.
    pub(super) fn ratio(&self) -> Result<Ratio> {
        let ratios = self.shards.iter().filter_map(|(leaf, _)| of_ratio(*leaf)).collect::<Vec<_>>();
        let rows = |ratio: &Ratio| rows_of(&ratio.numerator.size(), &ratio.denominator.size());
        let part = |part: fn(&Ratio) -> &Tensor| {
            let parts = ratios.iter().map(|&ratio| (part(ratio), rows(ratio).unwrap_or(1)));
            join_rows(&parts.collect::<Vec<_>>())
        };
        Ok(Ratio::new(part(|ratio| &ratio.numerator)?, part(|ratio| &ratio.denominator)?))
    }

    /// Combines 0-dimensional weighted values; the result's weight is the sum of the weights.
    pub(super) fn weighted_scalar(&self) -> Result<Weighted> {
        let part = |(leaf, samples): &(LeafRef<'_>, &Samples)| match leaf {
            LeafRef::Weighted(Weighted { value, weight }) => Some(Ok((value.shallow_clone(), weight.shallow_clone()))),
            // A loss without a weight is a mean over its shard's samples.
            LeafRef::Tensor(value) => {
                let samples = Samples::stack(std::iter::once(*samples), with_doubles(value.device()));
                Some(samples.and_then(|samples| Ok((value.shallow_clone(), samples.f_squeeze_dim(0)?))))
            }
            _ => None,
        };
        let parts = self.shards.iter().filter_map(part).collect::<Result<Vec<_>>>()?;
        let values = parts.iter().map(|(value, _)| value).collect::<Vec<_>>();
        let weights = parts.iter().map(|(_, weight)| weight).collect::<Vec<_>>();
        let device = values.first().map_or(Device::Cpu, |value| value.device());
        let (values, weights) = (stacked(&values)?, stacked(&weights)?);
        let rule = match self.rule() {
            // The result's value is multiplied by its weight in a sum, so the value must be the mean.
            Gather::Sum => Gather::Mean,
            rule => rule,
        };
        let weight = weights.f_sum(Kind::Double)?;
        let leaf = LeafValues::from(Content::Batches { values, samples: weights });
        let value = combined(&leaf, rule)?;
        // At weight 0 the mean is NaN, but the value must not count.
        let value = value.try_masked_fill(&weight.try_eq(0)?, 0.0)?;
        Ok(Weighted::new(back(&value, device)?, back(&weight, device)?))
    }

    /// Combines 0-dimensional tensors by the field's reduction, in double precision, without waiting for the device.
    pub(super) fn scalar(&self) -> Result<Tensor> {
        let tensors = self.shards.iter().filter_map(|(leaf, _)| match leaf {
            LeafRef::Tensor(tensor) => Some(*tensor),
            _ => None,
        });
        let tensors = tensors.collect::<Vec<_>>();
        let [first, ..] = tensors[..] else { return Err(Error::EmptyBatch) };
        let kind = first.f_kind()?;
        let values = stacked(&tensors)?;
        let samples = Samples::stack(self.shards.iter().map(|(_, samples)| *samples), with_doubles(first.device()))?;
        let rule = self.rule();
        let leaf = LeafValues::from(Content::Batches { values, samples });
        let combined = combined(&leaf, rule)?;
        let is_fraction = matches!(kind, Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double);
        let combined = match rule {
            // A mean of integers or bools may be a fraction, so it stays a double.
            Gather::Mean if !is_fraction => combined,
            // A sum may overflow a small kind.
            Gather::Sum if !is_fraction => combined.f_to_kind(Kind::Int64)?,
            _ => combined.f_to_kind(kind)?,
        };
        back(&combined, first.device())
    }
}

pub(super) fn of_weighted(leaf: LeafRef<'_>) -> Option<&Weighted> {
    if let LeafRef::Weighted(weighted) = leaf { Some(weighted) } else { None }
}

fn of_ratio(leaf: LeafRef<'_>) -> Option<&Ratio> {
    if let LeafRef::Ratio(ratio) = leaf { Some(ratio) } else { None }
}

/// Stacks 0-dimensional tensors as doubles, `[shards]`, on the device of the first, or on the host if that device lacks
/// doubles.
fn stacked(tensors: &[&Tensor]) -> Result<Tensor> {
    let [first, ..] = tensors else { return Err(Error::EmptyBatch) };
    let device = with_doubles(first.device());
    let moved = tensors.iter().map(|tensor| Ok(to_device(tensor, device)?.f_to_kind(Kind::Double)?));
    Ok(Tensor::f_stack(&moved.collect::<Result<Vec<_>>>()?, 0)?)
}

/// Returns the device itself if it supports double precision, or else the host.
fn with_doubles(device: Device) -> Device {
    if has_doubles(device) { device } else { Device::Cpu }
}

/// Moves a combined value back to its device, narrowing doubles if the device does not support them.
fn back(combined: &Tensor, device: Device) -> Result<Tensor> {
    let is_double = combined.f_kind()? == Kind::Double;
    let narrowed = if is_double { combined.f_to_kind(widest_float(device))? } else { combined.shallow_clone() };
    to_device(&narrowed, device)
}

/// Concatenates tensors by rows, given their numbers of rows. If widths or kinds differ, each row is summed first.
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

/// Combines batch-level values into a 0-dimensional double.
fn combined(leaf: &LeafValues, rule: Gather) -> Result<Tensor> {
    match rule {
        Gather::Mean => leaf.weighted_sums().and_then(|(sum, weight)| Ok(sum.f_div(&weight)?)),
        Gather::Sum => leaf.sum(),
        Gather::Min => Ok(leaf.counted_or(f64::INFINITY)?.f_min()?),
        Gather::Max => Ok(leaf.counted_or(f64::NEG_INFINITY)?.f_max()?),
        Gather::Last => Ok(leaf.last()?.0),
    }
}

/// Returns the weights of a shard, expanded to one per row of values if 0-dimensional, so that shards can be joined.
pub(super) fn row_weights(weighted: &Weighted) -> Result<Tensor> {
    if weighted.weight.dim() > 0 {
        return Ok(weighted.weight.shallow_clone());
    }
    let length = weighted.value.size().first().copied().unwrap_or(1);
    Ok(weighted.weight.f_expand([length], false)?)
}
