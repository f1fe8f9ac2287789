//! The values of several updates, joined so that each reduction passes over them once.

use tch::{Kind, Tensor};

use super::weights::{Ratio, Weighted};
use crate::batch::to_device;
use crate::error::Result;

/// Values of one field, with what each of them counts.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// Per-sample values, `[rows, *dims]`, of any real or bool kind.
    Samples(Tensor),
    /// Batch-level values, `[rows]`, doubles, and how many samples each stands for, `[rows]`, doubles.
    Batches { values: Tensor, samples: Tensor },
    /// Values and weights of one shape, `[rows, *dims]`, doubles; a value without weight is 0.
    Weighted { values: Tensor, weights: Tensor },
    /// Sums of numerators and of denominators, one row per update, `[rows]`, doubles.
    Ratios { numerators: Tensor, denominators: Tensor },
}

impl Chunk {
    /// Joins weighted values; those of rank 0 are one row each.
    pub(crate) fn of_weighted<'a>(parts: impl Iterator<Item = &'a Weighted>) -> Result<Self> {
        let (mut values, mut weights): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
        for part in parts {
            let (mut value, mut weight) = part.in_double()?;
            if value.dim() == 0 {
                (value, weight) = (value.f_unsqueeze(0)?, weight.f_unsqueeze(0)?);
            }
            let device = values.first().map_or(value.device(), Tensor::device);
            values.push(to_device(&value, device)?);
            weights.push(to_device(&weight, device)?);
        }
        Ok(Self::Weighted { values: Tensor::f_cat(&values, 0)?, weights: Tensor::f_cat(&weights, 0)? })
    }

    /// Joins ratios, one row each.
    pub(crate) fn of_ratios<'a>(parts: impl Iterator<Item = &'a Ratio>) -> Result<Self> {
        let (mut numerators, mut denominators): (Vec<Tensor>, Vec<Tensor>) = (Vec::new(), Vec::new());
        for Ratio { numerator, denominator } in parts {
            let device = numerators.first().map_or(numerator.device(), Tensor::device);
            numerators.push(to_device(&numerator.f_sum(Kind::Double)?, device)?);
            denominators.push(to_device(&denominator.f_sum(Kind::Double)?, device)?);
        }
        Ok(Self::Ratios {
            numerators: Tensor::f_stack(&numerators, 0)?,
            denominators: Tensor::f_stack(&denominators, 0)?,
        })
    }

    /// The sum of values, and the sum of what they count, as 0-dimensional doubles.
    pub(crate) fn weighted_sums(&self) -> Result<(Tensor, Tensor)> {
        Ok(match self {
            Self::Samples(values) => {
                let count = double(values.numel() as f64, values)?;
                (values.f_sum(Kind::Double)?, count)
            }
            Self::Batches { values, samples } => {
                let counted = masked(values, samples, 0.0)?;
                (counted.f_mul(samples)?.f_sum(Kind::Double)?, samples.f_sum(Kind::Double)?)
            }
            Self::Weighted { values, weights } => {
                (values.f_mul(weights)?.f_sum(Kind::Double)?, weights.f_sum(Kind::Double)?)
            }
            Self::Ratios { numerators, denominators } => {
                (numerators.f_sum(Kind::Double)?, denominators.f_sum(Kind::Double)?)
            }
        })
    }

    /// The sum of values: a batch-level value counts once, a weighted one by its weight.
    pub(crate) fn sum(&self) -> Result<Tensor> {
        Ok(match self {
            Self::Samples(values) | Self::Batches { values, .. } => values.f_sum(Kind::Double)?,
            Self::Weighted { .. } | Self::Ratios { .. } => self.weighted_sums()?.0,
        })
    }

    /// The values that count, as doubles, the others replaced.
    pub(crate) fn counted_or(&self, replacement: f64) -> Result<Tensor> {
        Ok(match self {
            Self::Samples(values) => values.f_to_kind(Kind::Double)?,
            Self::Batches { values, samples } => masked(values, samples, replacement)?,
            Self::Weighted { values, weights } => masked(values, weights, replacement)?,
            Self::Ratios { numerators, denominators } => {
                masked(&numerators.f_div(denominators)?, denominators, replacement)?
            }
        })
    }

    /// The last sample that counts: the mean of its values, and 1; where none counts, something and 0.
    pub(crate) fn last(&self) -> Result<(Tensor, Tensor)> {
        let (sums, weights) = match self {
            Self::Samples(values) => {
                let last = values.f_select(0, -1)?.f_mean(Kind::Double)?;
                let present = last.f_ones_like()?;
                return Ok((last, present));
            }
            Self::Batches { values, samples } => (values.shallow_clone(), samples.f_ne(0)?.f_to_kind(Kind::Double)?),
            Self::Weighted { values, weights } => (by_row(&values.f_mul(weights)?)?, by_row(weights)?),
            Self::Ratios { numerators, denominators } => (numerators.shallow_clone(), denominators.shallow_clone()),
        };
        let rows = weights.size()[0];
        let positions = Tensor::f_arange_start(1, rows + 1, (Kind::Int64, weights.device()))?;
        let last = positions.f_mul(&weights.f_ne(0)?.f_to_kind(Kind::Int64)?)?.f_max()?;
        let index = last.f_sub_scalar(1)?.f_clamp_min(0)?.f_reshape([1])?;
        let value = sums.f_index_select(0, &index)?.f_div(&weights.f_index_select(0, &index)?)?;
        Ok((value.f_squeeze()?, last.f_gt(0)?.f_to_kind(Kind::Double)?))
    }

    /// 1 where a value counts, else 0, as a 0-dimensional double.
    pub(crate) fn any_counts(&self) -> Result<Tensor> {
        match self {
            Self::Samples(values) => double(1.0, values),
            Self::Batches { samples: weights, .. }
            | Self::Weighted { weights, .. }
            | Self::Ratios { denominators: weights, .. } => Ok(weights.f_ne(0)?.f_any()?.f_to_kind(Kind::Double)?),
        }
    }

    /// Whether there is no value at all.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Samples(values) | Self::Batches { values, .. } | Self::Weighted { values, .. } => values.numel() == 0,
            Self::Ratios { .. } => false,
        }
    }
}

/// A 0-dimensional double on a tensor's device.
fn double(value: f64, beside: &Tensor) -> Result<Tensor> {
    Ok(Tensor::f_full([0_i64; 0], value, (Kind::Double, beside.device()))?)
}

/// Values where the weight is not 0, else the replacement.
fn masked(values: &Tensor, weights: &Tensor, replacement: f64) -> Result<Tensor> {
    Ok(values.f_masked_fill(&weights.f_eq(0)?, replacement)?)
}

/// Sums over all dimensions but the first.
fn by_row(values: &Tensor) -> Result<Tensor> {
    Ok(values.f_reshape([values.size()[0], -1])?.f_sum_dim_intlist(-1, false, Kind::Double)?)
}
