//! A pipeline on one device.

use std::fmt;

use tch::Device;
use tch::nn::{Path, VarStore};

use super::EvaluationPipeline;
use crate::batch::Batch;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss, Mode};

/// A model with its variables and its evaluator, on one device.
///
/// See [`EvaluationPipeline`] for what it does, and [`Classification`](crate::evaluation::Classification) for an
/// example.
pub struct Pipeline<E: Evaluator> {
    var_store: VarStore,
    model: E::Model,
    evaluator: E,
}

impl<E: Evaluator> Pipeline<E> {
    /// Builds a model on a device: `model` is given the root of new variables.
    ///
    /// Layers draw their first weights from libtorch's generator: call [`tch::manual_seed`] before.
    pub fn build(device: Device, model: impl FnOnce(&Path<'_>) -> E::Model, evaluator: E) -> Self {
        let var_store = VarStore::new(device);
        let model = model(&var_store.root());
        Self { var_store, model, evaluator }
    }

    /// A pipeline of a model that is there already, with the variables that it was made of.
    pub fn new(var_store: VarStore, model: E::Model, evaluator: E) -> Self {
        Self { var_store, model, evaluator }
    }

    /// The device that the model is on.
    pub fn device(&self) -> Device {
        self.var_store.device()
    }

    /// The model.
    pub fn model(&self) -> &E::Model {
        &self.model
    }

    /// The variables, the model and the evaluator.
    pub fn into_parts(self) -> (VarStore, E::Model, E) {
        (self.var_store, self.model, self.evaluator)
    }
}

impl<E: Evaluator> EvaluationPipeline for Pipeline<E> {
    type Evaluator = E;

    fn evaluate(&mut self, batch: &E::Batch, mode: Mode) -> Result<(Loss, E::Diagnostics, E::Output)> {
        if batch.batch_size()? == Some(0) {
            return Err(Error::EmptyBatch);
        }
        let device = self.device();
        let moved = if batch.is_on(device) { None } else { Some(batch.move_to(device)?) };
        let batch = moved.as_ref().unwrap_or(batch);
        let (loss, diagnostics, output) = self.evaluator.evaluate(&self.model, batch, mode)?;
        Ok((loss.checked()?, diagnostics.detach()?, output))
    }

    fn evaluator(&self) -> &E {
        &self.evaluator
    }

    fn evaluator_mut(&mut self) -> &mut E {
        &mut self.evaluator
    }

    fn var_store(&self) -> &VarStore {
        &self.var_store
    }

    fn var_store_mut(&mut self) -> &mut VarStore {
        &mut self.var_store
    }
}

impl<E: Evaluator + fmt::Debug> fmt::Debug for Pipeline<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pipeline")
            .field("device", &self.device())
            .field("variables", &self.var_store.len())
            .field("evaluator", &self.evaluator)
            .finish_non_exhaustive()
    }
}
