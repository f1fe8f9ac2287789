//! Joining the pending values of several updates for reductions.

use std::borrow::Borrow;

use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Kind, Tensor};

use super::non_finite::NonFinite;
use super::pending::Pending;
use crate::device::to_device;
use crate::diagnostic::leaf::layout::Layout;
use crate::diagnostic::leaf::{LeafValue, Ratio, Weighted, rows_of, spread as spread_over};
use crate::diagnostic::reduction::{Content, LeafValues, masked};
use crate::error::{Error, Result};
use crate::transfers;

/// Joins pending values of the same layout on a device. `samples` are the sample counts of batch-level values.
pub(crate) fn joined(
    layout: Option<&Layout>,
    pending: &[Pending],
    samples: &Tensor,
    device: Device,
    policy: NonFinite,
) -> Result<LeafValues> {
    let tensors = || pending.iter().filter_map(|pending| pending.tensors()[0]).collect::<Vec<_>>();
    let batches = |values| Content::Batches { values, samples: samples.shallow_clone() }.into();
    Ok(match layout {
        None | Some(Layout::Numbers) => {
            let numbers = pending.iter().map(|pending| match pending.value {
                LeafValue::Float(number) => number,
                _ => f64::NAN,
            });
            batches(transfers::upload(&numbers.collect::<Vec<_>>(), device)?)
        }
        Some(Layout::Scalars) => batches(join(&tensors(), device, Join::Stack)?.f_to_kind(Kind::Double)?),
        Some(Layout::Samples(_)) => Content::Samples(join(&tensors(), device, Join::Cat)?).into(),
        Some(Layout::Weighted(..)) => {
            let weighted = pending.iter().filter_map(|pending| match &pending.value {
                LeafValue::Weighted(weighted) => Some(weighted),
                _ => None,
            });
            of_weighted(weighted, device)?
        }
        Some(Layout::Ratios) => {
            let ratios = pending.iter().filter_map(|pending| match &pending.value {
                LeafValue::Ratio(ratio) => Some(ratio),
                _ => None,
            });
            of_ratios(ratios, device, policy)?
        }
    })
}

/// Joins weighted values on a device. Values of rank 0 become one row each.
fn of_weighted<'a>(parts: impl Iterator<Item = &'a Weighted>, device: Device) -> Result<LeafValues> {
    let (mut values, mut weights): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
    for Weighted { value, weight } in parts {
        let weight = if weight.dim() < value.dim().min(1) {
            weight.f_expand([value.size()[0]], false)?
        } else {
            weight.shallow_clone()
        };
        let rows = |tensor: &Tensor| if tensor.dim() == 0 { tensor.f_unsqueeze(0) } else { Ok(tensor.shallow_clone()) };
        values.push(rows(value)?);
        weights.push(rows(&weight)?);
    }
    let double = |parts: &[Tensor]| {
        Ok::<_, Error>(join(&parts.iter().collect::<Vec<_>>(), device, Join::Cat)?.f_to_kind(Kind::Double)?)
    };
    let values = double(&values)?;
    let weights = double(&weights)?;
    let spread = values.numel() as f64 / weights.numel() as f64;
    let weights = spread_over(&weights, &values)?;
    Ok(Content::Weighted { values: masked(&values, &weights, 0.0)?, weights, spread }.into())
}

/// Returns one row of weight 0, which stands for values without samples.
pub(crate) fn of_nothing(layout: &Layout) -> Result<LeafValues> {
    let size = [&[1], layout.row()].concat();
    let values = Tensor::f_zeros(&size, (Kind::Double, Device::Cpu))?;
    Ok(Content::Weighted { weights: values.f_zeros_like()?, values, spread: 1.0 }.into())
}

/// Joins ratios on a device, one row each, without non-finite samples under [`NonFinite::Skip`].
fn of_ratios<'a>(parts: impl Iterator<Item = &'a Ratio>, device: Device, policy: NonFinite) -> Result<LeafValues> {
    let (mut numerators, mut denominators, mut finite) = (Vec::new(), Vec::new(), Vec::new());
    let mut skipped = Vec::new();
    for Ratio { numerator, denominator } in parts {
        if policy == NonFinite::Skip {
            let rows = rows_of(&numerator.size(), &denominator.size()).unwrap_or(1);
            let by_row = |tensor: &Tensor| tensor.f_reshape([rows, (tensor.numel() as i64) / rows]);
            let (above, below) = (by_row(numerator)?, by_row(denominator)?);
            let bad = [&above, &below].map(|rows| Ok::<_, Error>(rows.f_isfinite()?.f_all_dim(-1, false)?));
            let [above_is_finite, below_is_finite] = bad;
            let bad = above_is_finite?.f_logical_and(&below_is_finite?)?.f_logical_not()?;
            let kept = |rows: &Tensor| {
                let rows = rows.f_sum_dim_intlist(-1, false, Kind::Double)?;
                Ok::<_, Error>(rows.try_masked_fill(&bad, 0.0)?.f_sum(Kind::Double)?)
            };
            numerators.push(kept(&above)?);
            denominators.push(kept(&below)?);
            finite.push(bad.f_any()?.f_logical_not()?);
            skipped.push(bad.f_sum(Kind::Double)?);
            continue;
        }
        finite.push(numerator.f_isfinite()?.f_all()?.f_logical_and(&denominator.f_isfinite()?.f_all()?)?);
        numerators.push(numerator.f_sum(Kind::Double)?);
        denominators.push(denominator.f_sum(Kind::Double)?);
    }
    let stack = |parts: &[Tensor]| join(&parts.iter().collect::<Vec<_>>(), device, Join::Stack);
    let (numerators, denominators) = (stack(&numerators)?, stack(&denominators)?);
    let skipped = if skipped.is_empty() { None } else { Some(stack(&skipped)?) };
    Ok(Content::Ratios { numerators, denominators, finite: stack(&finite)?, skipped }.into())
}

#[derive(Clone, Copy, Debug)]
enum Join {
    /// Concatenates along the first dimension.
    Cat,
    /// Stacks along a new dimension.
    Stack,
}

impl Join {
    fn of<T: Borrow<Tensor>>(self, tensors: &[T]) -> Result<Tensor> {
        Ok(match self {
            Self::Cat => Tensor::f_cat(tensors, 0)?,
            Self::Stack => Tensor::f_stack(tensors, 0)?,
        })
    }
}

/// Joins tensors of several updates on a device. Tensors of different kinds become doubles first, since libtorch may
/// promote them to a kind that cannot represent their values.
fn join(tensors: &[&Tensor], device: Device, join: Join) -> Result<Tensor> {
    let kind = tensors.first().map(|tensor| tensor.f_kind()).transpose()?;
    let are_alike = tensors.iter().all(|tensor| tensor.f_kind().ok() == kind);
    if are_alike && tensors.iter().all(|tensor| tensor.device() == device) {
        return join.of(tensors);
    }
    let alike = |tensor: &&Tensor| {
        let here = to_device(tensor, device)?;
        Ok(if are_alike { here } else { here.f_to_kind(Kind::Double)? })
    };
    let tensors = tensors.iter().map(alike).collect::<Result<Vec<_>>>()?;
    join.of(&tensors)
}
