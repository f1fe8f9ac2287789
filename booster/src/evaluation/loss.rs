//! The loss and its weight.

use booster_sys::detach::detach;
use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Tensor};

use crate::diagnostic::{Leaf, LeafRef, LeafValue, Weighted};
use crate::error::{Error, Result};
use crate::sealed::Sealed;

/// A 0-dimensional mean loss with its denominator.
///
/// A plain tensor is a mean over the samples of its batch. For another denominator (tokens, unignored targets, class
/// weights), use [`Loss::weighted`]. A short last batch, shards of unequal size and accumulated micro-batches then give
/// the same gradient as all samples at once. Weights are constants: no gradient flows into them.
///
/// A sum of means with different denominators, such as pixels and labeled images, has no denominator of its own, so
/// splitting the batch would change it. Divide all its sums by one number instead, such as the number of samples.
///
/// As a diagnostic, a loss is averaged over batches by its weight.
#[derive(Debug)]
pub struct Loss(Mean);

#[derive(Debug)]
enum Mean {
    OfSamples(Tensor),
    Weighted(Weighted),
}

impl Loss {
    /// Creates a loss from a mean and its denominator.
    ///
    /// Both are 0-dimensional. A loss of weight 0 (a batch without targets) adds nothing when combined with
    /// others, but its mean must still be finite: [`Loss::from_sum`] guarantees that.
    pub fn weighted(mean: Tensor, weight: Tensor) -> Self {
        Self(Mean::Weighted(Weighted::new(mean, weight)))
    }

    /// Creates a loss from a sum and its denominator, both 0-dimensional.
    ///
    /// If the denominator is 0, the mean and its gradient are 0 too.
    ///
    /// ```
    /// use booster::prelude::*;
    /// use booster::tch::{Kind, Tensor};
    ///
    /// # fn main() -> booster::Result<()> {
    /// let (losses, mask) = (Tensor::from_slice(&[0.5f32, 0.7]), Tensor::from_slice(&[0.0f32, 0.0]));
    /// let loss = Loss::from_sum(&(losses * &mask).f_sum(Kind::Float)?, &mask.f_sum(Kind::Float)?)?;
    /// assert_eq!(loss.tensor(), &Tensor::from(0.0f32));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Torch`] if the tensors are on different devices.
    pub fn from_sum(sum: &Tensor, weight: &Tensor) -> Result<Self> {
        let weight = weight.f_detach()?;
        let counts = weight.try_ne(0.0)?;
        let mean = sum.f_div(&weight.f_where_self(&counts, &weight.f_ones_like()?)?)?;
        let mean = mean.f_where_self(&counts, &mean.f_zeros_like()?)?;
        Ok(Self::weighted(mean, weight))
    }

    /// Returns the mean, a 0-dimensional tensor.
    pub fn tensor(&self) -> &Tensor {
        match &self.0 {
            Mean::OfSamples(mean) => mean,
            Mean::Weighted(weighted) => &weighted.value,
        }
    }

    /// Returns the denominator of the mean, or `None` if it is the number of samples.
    pub fn weight(&self) -> Option<&Tensor> {
        match &self.0 {
            Mean::OfSamples(_) => None,
            Mean::Weighted(weighted) => Some(&weighted.weight),
        }
    }

    /// Runs the backward pass: accumulates gradients in the variables and frees the graph.
    ///
    /// # Errors
    /// Returns [`Error::LossWithoutGradient`] if the loss depends on no variable that requires a gradient, or
    /// [`Error::Torch`] if the backward pass fails, such as when it has already run or a variable was modified in
    /// place.
    pub fn backward(&self) -> Result<()> {
        if !self.tensor().requires_grad() {
            return Err(Error::LossWithoutGradient);
        }
        Ok(self.tensor().f_backward()?)
    }

    pub(crate) fn device(&self) -> Device {
        self.tensor().device()
    }

    /// Detaches the loss from its graph; copies it if it is itself a parameter.
    pub(crate) fn detached(mut self) -> Result<Self> {
        detach(&mut self.tensors_mut().into_iter().flatten().collect::<Vec<_>>())?;
        Ok(self)
    }

    /// Checks that the loss is 0-dimensional and of a floating-point kind, and detaches its weight.
    pub(crate) fn checked(self) -> Result<Self> {
        let of_shape = |tensor: &Tensor| match tensor.dim() {
            0 => Ok(()),
            _ => Err(Error::LossShape { shape: tensor.size() }),
        };
        of_shape(self.tensor())?;
        self.weight().map_or(Ok(()), of_shape)?;
        if !self.tensor().is_floating_point() {
            return Err(Error::LossKind { kind: self.tensor().f_kind()? });
        }
        Ok(match self.0 {
            Mean::OfSamples(_) => self,
            Mean::Weighted(Weighted { value, weight }) => Self::weighted(value, weight.f_detach()?),
        })
    }
}

impl From<Tensor> for Loss {
    fn from(mean: Tensor) -> Self {
        Self(Mean::OfSamples(mean))
    }
}

impl AsRef<Tensor> for Loss {
    fn as_ref(&self) -> &Tensor {
        self.tensor()
    }
}

impl Sealed for Loss {}

impl Leaf for Loss {
    fn leaf_ref(&self) -> LeafRef<'_> {
        match &self.0 {
            Mean::OfSamples(mean) => LeafRef::Tensor(mean),
            Mean::Weighted(weighted) => LeafRef::Weighted(weighted),
        }
    }

    fn leaf_mut(&mut self) -> &mut dyn Leaf {
        self
    }

    fn share_leaf(&self) -> Self {
        match &self.0 {
            Mean::OfSamples(mean) => mean.shallow_clone().into(),
            Mean::Weighted(weighted) => Self(Mean::Weighted(weighted.share_leaf())),
        }
    }

    fn tensors_mut(&mut self) -> [Option<&mut Tensor>; 2] {
        match &mut self.0 {
            Mean::OfSamples(mean) => mean.tensors_mut(),
            Mean::Weighted(weighted) => weighted.tensors_mut(),
        }
    }

    fn from_value(value: LeafValue) -> Result<Self, LeafValue> {
        match value {
            LeafValue::Tensor(mean) => Ok(mean.into()),
            LeafValue::Weighted(weighted) => Ok(Self(Mean::Weighted(weighted))),
            other => Err(other),
        }
    }

    fn assign(&mut self, value: LeafValue) -> Result<(), LeafValue> {
        Self::from_value(value).map(|loss| *self = loss)
    }
}
