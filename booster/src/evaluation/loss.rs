//! The loss and what it weighs.

use booster_sys::detach::detach;
use booster_sys::scalar::ScalarOps as _;
use std::ops::Deref;

use tch::{Kind, Tensor};

use crate::error::{Error, Result};

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
/// It derefs to the tensor: `loss.backward()`.
#[derive(Debug)]
pub struct Loss {
    mean: Tensor,
    weight: Option<Tensor>,
}

impl Loss {
    /// A mean over something else than samples.
    ///
    /// `mean` and `weight`, the denominator of that mean, are 0-dimensional. A weight of 0 (nothing to learn from in
    /// this batch) makes the loss count for nothing when it is combined with others; the mean has to be finite then:
    /// [`Loss::from_sum`] sees to that.
    pub fn weighted(mean: Tensor, weight: Tensor) -> Self {
        Self { mean, weight: Some(weight) }
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
    /// assert_eq!(loss.mean(), &Tensor::from(0.0f32));
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
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// The denominator of the mean; `None` for the number of samples.
    pub fn weight(&self) -> Option<&Tensor> {
        self.weight.as_ref()
    }

    /// The loss without its graph, as the value that it has now: a parameter that is a loss is copied.
    pub(crate) fn detached(mut self) -> Result<Self> {
        let weight = self.weight.as_mut();
        detach(&mut [&mut self.mean].into_iter().chain(weight).collect::<Vec<_>>())?;
        Ok(self)
    }

    /// Checks what a loss has to be: 0-dimensional, of a floating-point kind. The weight loses its graph.
    pub(crate) fn checked(mut self) -> Result<Self> {
        let of_shape = |tensor: &Tensor| match tensor.dim() {
            0 => Ok(()),
            _ => Err(Error::LossShape { shape: tensor.size() }),
        };
        of_shape(&self.mean)?;
        self.weight.as_ref().map_or(Ok(()), of_shape)?;
        if !self.mean.is_floating_point() {
            return Err(Error::LossKind { kind: self.mean.f_kind()? });
        }
        self.weight = self.weight.as_ref().map(Tensor::f_detach).transpose()?;
        Ok(self)
    }
}

/// The kind in which losses and weights of a kind are summed and multiplied: single precision at least, since half
/// precision counts no further than 65504.
pub(crate) fn summing_kind(kind: Kind) -> Kind {
    if kind == Kind::Double { Kind::Double } else { Kind::Float }
}

impl From<Tensor> for Loss {
    fn from(mean: Tensor) -> Self {
        Self { mean, weight: None }
    }
}

impl Deref for Loss {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.mean
    }
}
