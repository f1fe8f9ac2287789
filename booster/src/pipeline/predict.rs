//! Predictions: evaluations without loss or diagnostics.

use std::marker::PhantomData;

use tch::Tensor;

use crate::batch::Batch;
use crate::error::Result;
use crate::evaluation::{Evaluator, Loss, Mode};

/// An evaluator that wraps a prediction function and measures nothing.
pub(super) struct Predictor<F, M, B, O> {
    predict: F,
    types: PhantomData<fn(&M, &B) -> O>,
}

impl<F, M, B, O> Predictor<F, M, B, O> {
    pub(super) fn new(predict: F) -> Self {
        Self { predict, types: PhantomData }
    }
}

impl<F: Clone, M, B, O> Clone for Predictor<F, M, B, O> {
    fn clone(&self) -> Self {
        Self::new(self.predict.clone())
    }
}

impl<F, M, B, O> Evaluator for Predictor<F, M, B, O>
where
    F: Fn(&M, &B, Mode) -> Result<O> + Clone + Send + 'static,
    M: Send + 'static,
    B: Batch,
    O: Batch,
{
    type Model = M;
    type Batch = B;
    type Diagnostics = ();
    type Output = O;

    fn evaluate(&self, model: &M, batch: &B, mode: Mode) -> Result<(Loss, (), O)> {
        Ok((Tensor::from(0.0_f32).into(), (), (self.predict)(model, batch, mode)?))
    }
}
