//! Leaves with weights of their own.

use tch::Tensor;

use crate::error::Result;

/// A ratio whose numerator and denominator are summed separately, such as correct tokens over all tokens.
///
/// The mean of per-batch ratios is not the overall ratio: `1/1` and `0/9` make `1/10`, not `1/2`.
///
/// Both tensors may have any shape, and all their entries count. If their first dimensions have the same length, each
/// row is a sample: [`NonFinite::Skip`](crate::NonFinite::Skip) skips a row of both if an entry of either is not
/// finite. For other shapes, it skips the whole value.
#[derive(Debug)]
pub struct Ratio {
    /// The numerator, of any real or bool kind.
    pub numerator: Tensor,
    /// The denominator, of any real or bool kind.
    pub denominator: Tensor,
}

/// Weighted values, for padding, masks or importance weights.
///
/// The mean is `sum(weight * value) / sum(weight)`. Values of weight 0 are ignored, even NaN.
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
    /// The non-negative weights, of any real or bool kind: the shape of `value` or its leading dimensions.
    pub weight: Tensor,
}

impl Ratio {
    /// Creates a ratio of two tensors.
    pub fn new(numerator: Tensor, denominator: Tensor) -> Self {
        Self { numerator, denominator }
    }
}

impl Weighted {
    /// Creates weighted values.
    pub fn new(value: Tensor, weight: Tensor) -> Self {
        Self { value, weight }
    }

    /// Returns whether the weight's shape is the value's or its leading dimensions.
    pub(crate) fn fits(&self) -> bool {
        self.value.size().starts_with(&self.weight.size())
    }
}

/// Returns the number of samples of a ratio of tensors with these shapes, or `None` if it is unknown or 0.
pub(crate) fn rows_of(numerator: &[i64], denominator: &[i64]) -> Option<i64> {
    match (numerator.first(), denominator.first()) {
        (Some(rows), Some(others)) if rows == others && *rows > 0 => Some(*rows),
        _ => None,
    }
}

/// Expands weights over leading dimensions to the shape of the values.
pub(crate) fn spread(weights: &Tensor, values: &Tensor) -> Result<Tensor> {
    let mut weights = weights.shallow_clone();
    while weights.dim() < values.dim() {
        weights = weights.f_unsqueeze(-1)?;
    }
    Ok(weights.f_expand(values.size(), false)?)
}
