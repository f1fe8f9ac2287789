//! Leaves that carry a weight of their own.

use tch::{Kind, Tensor};

use crate::error::Result;

/// A fraction whose parts are summed apart and divided at the end: tokens guessed over tokens, hits over attempts.
///
/// The mean of per-batch ratios is not the ratio: `1/1` and `0/9` make `1/10`, not `1/2`.
///
/// Both tensors may have any shape; all their entries count.
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

    /// Values and weights in double precision and of one shape, values without weight replaced by 0.
    pub(crate) fn in_double(&self) -> Result<(Tensor, Tensor)> {
        let shape = self.value.size();
        let mut weight = self.weight.f_to_kind(Kind::Double)?;
        while weight.dim() < shape.len() {
            weight = weight.f_unsqueeze(-1)?;
        }
        let weight = weight.f_expand(&shape, false)?;
        let value = self.value.f_to_kind(Kind::Double)?;
        let value = value.f_where_self(&weight.f_ne(0)?, &value.f_zeros_like()?)?;
        Ok((value, weight))
    }

    /// Whether the weight's shape is the value's or its first dimensions.
    pub(crate) fn fits(&self) -> bool {
        self.value.size().starts_with(&self.weight.size())
    }
}
