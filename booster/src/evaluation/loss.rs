//! The loss and what it weighs.

use std::ops::Deref;

use tch::Tensor;

use crate::error::{Error, Result};

/// A 0-dimensional loss that knows what it is the mean of.
///
/// A plain tensor is the mean over the samples of its batch. A loss with another denominator (tokens, the targets that
/// are not ignored, class weights) says so: [`Loss::weighted`]. So a short last batch, shards of unequal size and
/// accumulated micro-batches give the gradient of all samples at once.
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
    /// this batch) makes the loss count for nothing when it is combined with others.
    pub fn weighted(mean: Tensor, weight: Tensor) -> Self {
        Self { mean, weight: Some(weight) }
    }

    /// The mean, a 0-dimensional tensor.
    pub fn mean(&self) -> &Tensor {
        &self.mean
    }

    /// The denominator of the mean; `None` for the number of samples.
    pub fn weight(&self) -> Option<&Tensor> {
        self.weight.as_ref()
    }

    /// Checks what a loss has to be: 0-dimensional, of a floating-point kind.
    pub(crate) fn checked(self) -> Result<Self> {
        let of_shape = |tensor: &Tensor| match tensor.dim() {
            0 => Ok(()),
            _ => Err(Error::LossShape { shape: tensor.size() }),
        };
        of_shape(&self.mean)?;
        self.weight.as_ref().map_or(Ok(()), of_shape)?;
        if !self.mean.is_floating_point() {
            return Err(Error::LossKind { kind: self.mean.f_kind()? });
        }
        Ok(self)
    }
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
