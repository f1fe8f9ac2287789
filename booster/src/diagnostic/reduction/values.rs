//! The input of reductions: the joined values of several updates.

use std::cell::OnceCell;

use booster_sys::scalar::{ScalarOps as _, full};
use tch::{Kind, Tensor};

use crate::error::Result;

/// The values of one field and their weights: the input of a [`Reduction`](super::Reduction).
#[derive(Debug)]
pub struct LeafValues {
    content: Content,
    /// The cached sums of parts of per-sample values: doubles, `[parts]`.
    sums: OnceCell<Tensor>,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// Per-sample values, `[rows, *dims]`, of any real or bool kind.
    Samples(Tensor),
    /// Batch-level values and their sample counts: doubles, `[rows]` each.
    Batches { values: Tensor, samples: Tensor },
    /// Values and weights: doubles, `[rows, *dims]` each. Values of weight 0 are 0. `spread` is the number of values
    /// per given weight.
    Weighted { values: Tensor, weights: Tensor, spread: f64 },
    /// Numerators and denominators (doubles, `[rows]`), whether all their terms are finite (bool, `[rows]`), and the
    /// numbers of samples already skipped (doubles, `[rows]`).
    Ratios { numerators: Tensor, denominators: Tensor, finite: Tensor, skipped: Option<Tensor> },
}

impl From<Content> for LeafValues {
    fn from(content: Content) -> Self {
        Self { content, sums: OnceCell::new() }
    }
}

impl LeafValues {
    /// Returns the values as doubles, `[rows, *dims]`; values of weight 0 are 0. A ratio is one row, weighted by its
    /// denominator.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if a libtorch operation fails.
    pub fn values(&self) -> Result<Tensor> {
        self.counted_or(0.0)
    }

    /// Returns the weight of each value as doubles, in the shape of the values; per-sample entries have weight 1.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if a libtorch operation fails.
    pub fn weights(&self) -> Result<Tensor> {
        Ok(match &self.content {
            Content::Samples(values) => Tensor::f_ones(values.size(), (Kind::Double, values.device()))?,
            Content::Batches { samples: weights, .. }
            | Content::Weighted { weights, .. }
            | Content::Ratios { denominators: weights, .. } => weights.shallow_clone(),
        })
    }

    /// Returns the flattened values and their weights as doubles, `[n]` each.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if a libtorch operation fails.
    pub fn flat(&self) -> Result<(Tensor, Tensor)> {
        Ok((self.values()?.f_reshape([-1])?, self.weights()?.f_reshape([-1])?))
    }

    /// Returns the mean of each row and its weight in samples as doubles, `[rows]` each; means of weight 0 are 0.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if a libtorch operation fails.
    pub fn by_row(&self) -> Result<(Tensor, Tensor)> {
        match &self.content {
            Content::Samples(values) => {
                let rows = [values.size()[0], -1];
                let means = values.f_reshape(rows)?.f_mean_dim(-1, false, Kind::Double)?;
                let ones = means.f_ones_like()?;
                Ok((means, ones))
            }
            Content::Weighted { values, weights, spread } => {
                let sums = row_sums(weights)?;
                let means = row_sums(&values.f_mul(weights)?)?.f_div(&sums)?;
                Ok((masked(&means, &sums, 0.0)?, sums.try_div_scalar(*spread)?))
            }
            Content::Batches { .. } | Content::Ratios { .. } => Ok((self.values()?, self.weights()?)),
        }
    }

    /// Returns the weighted sum of the values and the sum of their weights, as 0-dimensional doubles.
    pub(crate) fn weighted_sums(&self) -> Result<(Tensor, Tensor)> {
        Ok(match &self.content {
            Content::Samples(values) => (self.sum()?, double(values.numel() as f64, values)?),
            Content::Batches { values, samples } => {
                let counted = masked(values, samples, 0.0)?;
                (counted.f_mul(samples)?.f_sum(Kind::Double)?, samples.f_sum(Kind::Double)?)
            }
            Content::Weighted { values, weights, .. } => {
                (values.f_mul(weights)?.f_sum(Kind::Double)?, weights.f_sum(Kind::Double)?)
            }
            Content::Ratios { numerators, denominators, .. } => {
                (numerators.f_sum(Kind::Double)?, denominators.f_sum(Kind::Double)?)
            }
        })
    }

    /// Returns the sum of the values. Batch-level values count once if they [are summed](is_summed), weighted values
    /// are multiplied by their weights, and ratios contribute their numerators.
    pub(crate) fn sum(&self) -> Result<Tensor> {
        Ok(match &self.content {
            Content::Samples(values) => self.sums.get().unwrap_or(values).f_sum(Kind::Double)?,
            Content::Batches { values, samples } => summed(values, samples)?.f_sum(Kind::Double)?,
            Content::Weighted { .. } | Content::Ratios { .. } => self.weighted_sums()?.0,
        })
    }

    /// Returns the number of samples, or the sum of the weights.
    pub(crate) fn count(&self) -> Result<Tensor> {
        match &self.content {
            Content::Samples(values) => double(values.size()[0] as f64, values),
            Content::Weighted { weights, spread, .. } => Ok(weights.f_sum(Kind::Double)?.try_div_scalar(*spread)?),
            Content::Batches { .. } | Content::Ratios { .. } => Ok(self.weights()?.f_sum(Kind::Double)?),
        }
    }

    /// Returns the values as doubles, `[rows, *dims]`, with those of weight 0 replaced.
    pub(crate) fn counted_or(&self, replacement: f64) -> Result<Tensor> {
        Ok(match &self.content {
            Content::Samples(values) => values.f_to_kind(Kind::Double)?,
            Content::Batches { values, samples } => masked(values, samples, replacement)?,
            Content::Weighted { values, weights, .. } => masked(values, weights, replacement)?,
            Content::Ratios { numerators, denominators, .. } => {
                masked(&numerators.f_div(denominators)?, denominators, replacement)?
            }
        })
    }

    /// Returns the mean of the last sample with nonzero weight and a presence flag: 1, or 0 with an arbitrary mean if
    /// there is no such sample.
    pub(crate) fn last(&self) -> Result<(Tensor, Tensor)> {
        if let Content::Samples(values) = &self.content {
            let last = values.f_select(0, -1)?.f_mean(Kind::Double)?;
            let present = last.f_ones_like()?;
            return Ok((last, present));
        }
        let (means, weights) = self.by_row()?;
        let rows = weights.size()[0];
        let positions = Tensor::f_ones([rows], (Kind::Int64, weights.device()))?.f_cumsum(0, Kind::Int64)?;
        let last = positions.f_mul(&weights.try_ne(0)?)?.f_max()?;
        let index = last.try_sub_scalar(1)?.try_clamp_min(0)?.f_reshape([1])?;
        let value = means.f_index_select(0, &index)?.f_squeeze()?;
        Ok((value, last.try_gt(0)?.f_to_kind(Kind::Double)?))
    }

    /// Returns 1 if any value has nonzero weight, or else 0, as a 0-dimensional double.
    pub(crate) fn any_counts(&self) -> Result<Tensor> {
        match &self.content {
            Content::Samples(values) => double(1.0, values),
            _ => Ok(self.weights()?.try_ne(0)?.f_any()?.f_to_kind(Kind::Double)?),
        }
    }

    /// Splits the values into equal parts and returns whether each is finite, except for values of weight 0: bool,
    /// `[parts]`.
    pub(crate) fn are_finite(&self, parts: i64) -> Result<Tensor> {
        let finite = match &self.content {
            // A double-precision sum of a smaller kind cannot overflow, so it is finite exactly if all values are.
            // It is usually needed anyway.
            Content::Samples(values) if values.f_kind()? != Kind::Double => {
                let sums = values.f_reshape([parts, -1])?.f_sum_dim_intlist(-1, false, Kind::Double)?;
                return Ok(self.sums.get_or_init(|| sums).f_isfinite()?);
            }
            Content::Samples(values) => values.f_isfinite()?,
            Content::Batches { .. } => self.values()?.f_isfinite()?,
            Content::Weighted { values, weights, .. } => values.f_isfinite()?.f_logical_and(&weights.f_isfinite()?)?,
            Content::Ratios { finite, .. } => finite.shallow_clone(),
        };
        Ok(finite.f_reshape([parts, -1])?.f_all_dim(-1, false)?)
    }

    /// Removes non-finite values and returns their number as a 0-dimensional double.
    pub(crate) fn finite(self) -> Result<(Self, Tensor)> {
        let keep = |values: &Tensor, weights: &Tensor| -> Result<(Tensor, Tensor, Tensor)> {
            let finite = values.f_isfinite()?.f_logical_and(&weights.f_isfinite()?)?;
            let bad = finite.f_logical_not()?;
            let count = bad.f_logical_and(&weights.try_ne(0)?)?.f_sum(Kind::Double)?;
            Ok((values.try_masked_fill(&bad, 0.0)?, weights.try_masked_fill(&bad, 0.0)?, count))
        };
        Ok(match &self.content {
            Content::Samples(values) => {
                let values = values.f_to_kind(Kind::Double)?;
                let (values, weights, count) = keep(&values, &values.f_ones_like()?)?;
                let spread = values.numel() as f64 / values.size()[0] as f64;
                (Content::Weighted { values, weights, spread }.into(), count)
            }
            Content::Batches { values, samples } => {
                let (values, samples, count) = keep(values, samples)?;
                (Content::Batches { values, samples }.into(), count)
            }
            Content::Weighted { values, weights, spread } => {
                let (values, weights, count) = keep(values, weights)?;
                (Content::Weighted { values, weights, spread: *spread }.into(), count)
            }
            Content::Ratios { skipped, .. } => {
                let count = match &skipped {
                    Some(skipped) => skipped.f_sum(Kind::Double)?,
                    None => double(0.0, &self.weights()?)?,
                };
                (self, count)
            }
        })
    }
}

/// Returns whether a batch-level value is part of a sum: non-finite values without samples are not.
pub(crate) fn is_summed(is_finite: bool, samples: f64) -> bool {
    is_finite || samples != 0.0
}

/// Replaces values that are not part of a sum by 0; the tensor counterpart of [`is_summed`].
fn summed(values: &Tensor, samples: &Tensor) -> Result<Tensor> {
    let left_out = samples.try_eq(0)?.f_logical_and(&values.f_isfinite()?.f_logical_not()?)?;
    Ok(values.try_masked_fill(&left_out, 0.0)?)
}

/// Creates a 0-dimensional double on the device of another tensor.
fn double(value: f64, beside: &Tensor) -> Result<Tensor> {
    Ok(full([0_i64; 0], value, (Kind::Double, beside.device()))?)
}

/// Replaces values of weight 0.
pub(crate) fn masked(values: &Tensor, weights: &Tensor, replacement: f64) -> Result<Tensor> {
    Ok(values.try_masked_fill(&weights.try_eq(0)?, replacement)?)
}

/// Sums over all dimensions except the first.
fn row_sums(values: &Tensor) -> Result<Tensor> {
    Ok(values.f_reshape([values.size()[0], -1])?.f_sum_dim_intlist(-1, false, Kind::Double)?)
}
