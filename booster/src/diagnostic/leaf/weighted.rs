//! Leaves that carry a weight of their own.

use tch::Tensor;

use crate::error::Result;

/// A fraction whose parts are summed apart and divided at the end: tokens guessed over tokens, hits over attempts.
///
/// The mean of per-batch ratios is not the ratio: `1/1` and `0/9` make `1/10`, not `1/2`.
///
/// Both tensors may have any shape; all their entries count. Where both have the same first dimension, of one length,
/// each of its rows is a sample: [`NonFinite::Skip`](crate::NonFinite::Skip) leaves out a row, in the numerator and in the
/// denominator, if an entry of either is not finite. Of other shapes it leaves out the whole value.
#[derive(Debug)]
pub struct Ratio {
    /// What is counted, of any real or bool kind.
    pub numerator: Tensor,
    /// What it is counted of.
    pub denominator: Tensor,
}

/// Values that do not count alike: padding, masks, importance weights.
///
/// The mean is `sum(weight * value) / sum(weight)`; a value of weight 0 takes no part, whatever it is, NaN included.
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::Tensor;
///
/// let padded = Weighted {
///     value: Tensor::from_slice(&[2.0f32, 4.0, f32::NAN]),
///     weight: Tensor::from_slice(&[true, true, false]),
/// };
/// ```
#[derive(Debug)]
pub struct Weighted {
    /// The values: `[batch, *dims]` or `[]`, of any real or bool kind.
    pub value: Tensor,
    /// The weights, not negative: the shape of `value` or its first dimensions, of any real or bool kind.
    pub weight: Tensor,
}

impl Ratio {
    /// A fraction of two tensors.
    pub fn new(numerator: Tensor, denominator: Tensor) -> Self {
        Self { numerator, denominator }
    }
}

impl Weighted {
    /// Values with their weights.
    pub fn new(value: Tensor, weight: Tensor) -> Self {
        Self { value, weight }
    }

    /// Whether the weight's shape is the value's or its first dimensions.
    pub(crate) fn fits(&self) -> bool {
        self.value.size().starts_with(&self.weight.size())
    }
}

/// How many samples a ratio of tensors of two shapes consists of; none where that is not known, or it is empty.
pub(crate) fn rows_of(numerator: &[i64], denominator: &[i64]) -> Option<i64> {
    match (numerator.first(), denominator.first()) {
        (Some(rows), Some(others)) if rows == others && *rows > 0 => Some(*rows),
        _ => None,
    }
}

/// Weights of the first dimensions of some values, for each of them.
pub(crate) fn spread(weights: &Tensor, values: &Tensor) -> Result<Tensor> {
    let mut weights = weights.shallow_clone();
    while weights.dim() < values.dim() {
        weights = weights.f_unsqueeze(-1)?;
    }
    Ok(weights.f_expand(values.size(), false)?)
}
