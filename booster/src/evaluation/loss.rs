//! The loss and what it weighs.

use booster_sys::detach::detach;
use booster_sys::scalar::ScalarOps as _;
use tch::{Device, Tensor};

use crate::diagnostic::{Leaf, LeafRef, LeafValue, Weighted};
use crate::error::{Error, Result};
use crate::sealed::Sealed;

/// A 0-dimensional loss that knows what it is the mean of.
///
/// A plain tensor is the mean over the samples of its batch. A loss with another denominator (tokens, the targets that
/// are not ignored, class weights) says so: [`Loss::weighted`]. So a short last batch, shards of unequal size and
/// accumulated micro-batches give the gradient of all samples at once. Weights are constants: no gradient flows into
/// them.
///
/// Means over different things, pixels and the images that have a label say, do not add up to a mean over either: shards
/// and micro-batches would change such a loss. Divide all its sums by one number, that of the samples for instance.
///
/// In diagnostics it is a metric whose mean over many batches is that of all their samples, or whatever it is the mean of.
#[derive(Debug)]
pub struct Loss(Mean);

/// What a loss is the mean of.
#[derive(Debug)]
enum Mean {
    OfSamples(Tensor),
    Weighted(Weighted),
}

impl Loss {
    /// A mean over something else than samples.
    ///
    /// `mean` and `weight`, the denominator of that mean, are 0-dimensional. A weight of 0 (nothing to learn from in
    /// this batch) makes the loss count for nothing when it is combined with others; the mean has to be finite then:
    /// [`Loss::from_sum`] sees to that.
    pub fn weighted(mean: Tensor, weight: Tensor) -> Self {
        Self(Mean::Weighted(Weighted::new(mean, weight)))
    }

    /// A mean by its sum and its denominator, both 0-dimensional. Where nothing counts, the mean is 0 and so is its
    /// gradient.
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
    /// [`Error::Torch`] where the two are not on one device.
    pub fn from_sum(sum: &Tensor, weight: &Tensor) -> Result<Self> {
        let weight = weight.f_detach()?;
        let counts = weight.try_ne(0.0)?;
        let mean = sum.f_div(&weight.f_where_self(&counts, &weight.f_ones_like()?)?)?;
        let mean = mean.f_where_self(&counts, &mean.f_zeros_like()?)?;
        Ok(Self::weighted(mean, weight))
    }

    /// The mean, a 0-dimensional tensor.
    pub fn tensor(&self) -> &Tensor {
        match &self.0 {
            Mean::OfSamples(mean) => mean,
            Mean::Weighted(weighted) => &weighted.value,
        }
    }

    /// The denominator of the mean; `None` for the number of samples.
    pub fn weight(&self) -> Option<&Tensor> {
        match &self.0 {
            Mean::OfSamples(_) => None,
            Mean::Weighted(weighted) => Some(&weighted.weight),
        }
    }

    /// Adds the gradient of the mean to those of the variables that it was computed of, and gives up its graph.
    ///
    /// # Errors
    /// [`Error::LossWithoutGradient`] where no variable takes part in it; [`Error::Torch`] where libtorch cannot
    /// differentiate it, as when it was differentiated before or a variable was written since.
    pub fn backward(&self) -> Result<()> {
        if !self.tensor().requires_grad() {
            return Err(Error::LossWithoutGradient);
        }
        Ok(self.tensor().f_backward()?)
    }

    pub(crate) fn device(&self) -> Device {
        self.tensor().device()
    }

    /// The loss without its graph, as the value that it has now: a parameter that is a loss is copied.
    pub(crate) fn detached(mut self) -> Result<Self> {
        detach(&mut self.tensors_mut().into_iter().flatten().collect::<Vec<_>>())?;
        Ok(self)
    }

    /// Checks what a loss has to be: 0-dimensional, of a floating-point kind. The weight loses its graph.
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
