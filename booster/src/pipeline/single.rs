//! A pipeline on one device.

use std::fmt;

use tch::nn::{Path, VarStore};
use tch::{Device, no_grad_guard};

use super::predict::Predictor;
use super::{EvaluationPipeline, evaluate_on, owned};
use crate::batch::Batch;
use crate::error::Result;
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::panic::catch_panic;
use crate::sealed::Sealed;

/// A model with its variables and its evaluator, on one device.
///
/// See [`EvaluationPipeline`] for its methods and [`Classification`](crate::evaluation::Classification) for an example.
// `M` is a parameter so that the struct needs no bound: a type that is not an evaluator then causes a single error, at
// the call.
pub struct Pipeline<E, M = <E as Evaluator>::Model> {
    var_store: VarStore,
    model: M,
    evaluator: E,
}

impl<E: Evaluator<Model = M>, M> Pipeline<E, M> {
    /// Builds a model on a device, by calling `model` with the root of a new [`VarStore`].
    ///
    /// A closure that is bound to a variable must annotate its argument, `let net = |path: &nn::Path<'_>| ..`. In
    /// edition 2024 a function that returns an `impl ModuleT` must not capture the path's lifetime:
    /// `impl ModuleT + use<>`.
    ///
    /// Layers are initialized from libtorch's global generator; call [`tch::manual_seed`] first to make them
    /// reproducible.
    pub fn build(device: Device, model: impl for<'p> FnOnce(&'p Path<'p>) -> M, evaluator: E) -> Self {
        let var_store = VarStore::new(device);
        let model = model(&var_store.root());
        Self { var_store, model, evaluator }
    }

    /// Builds a model whose constructor may fail, such as one that reads a file.
    ///
    /// ```
    /// use booster::evaluation::Classification;
    /// use booster::prelude::*;
    /// use booster::tch::{Device, nn};
    ///
    /// # fn main() -> booster::Result<()> {
    /// let net = |path: &nn::Path<'_>| -> booster::Result<nn::Linear> {
    ///     let classes = "3".parse().map_err(booster::Error::custom)?;
    ///     Ok(nn::linear(path, 4, classes, Default::default()))
    /// };
    /// let pipeline = Pipeline::try_build(Device::Cpu, net, Classification::new())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the error of `model`, and [`Error::Panicked`](crate::Error::Panicked) if it panics.
    pub fn try_build(
        device: Device,
        model: impl for<'p> FnOnce(&'p Path<'p>) -> Result<M>,
        evaluator: E,
    ) -> Result<Self> {
        let var_store = VarStore::new(device);
        let model = catch_panic(|| model(&var_store.root()))?;
        Ok(Self { var_store, model, evaluator })
    }

    /// Creates a pipeline from an existing model and the variables it was built with.
    pub fn new(var_store: VarStore, model: M, evaluator: E) -> Self {
        Self { var_store, model, evaluator }
    }

    /// Returns the model's device.
    pub fn device(&self) -> Device {
        self.var_store.device()
    }

    /// Returns the model.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Splits the pipeline into its variables, model and evaluator.
    ///
    /// Pass them to [`new`](Self::new) to change the evaluator; existing optimizers, trainers and averages remain
    /// valid.
    pub fn into_parts(self) -> (VarStore, M, E) {
        (self.var_store, self.model, self.evaluator)
    }
}

impl<E, M> Sealed for Pipeline<E, M> {}

impl<E: Evaluator> EvaluationPipeline for Pipeline<E, E::Model> {
    type Evaluator = E;

    fn evaluate(&mut self, batch: &E::Batch, mode: Mode) -> Result<(Loss, E::Diagnostics, E::Output)> {
        catch_panic(|| evaluate_on(&self.evaluator, &self.model, self.device(), batch, mode))
    }

    fn predict<B, O, F>(&mut self, batch: &B, predict: F) -> Result<O>
    where
        B: Batch,
        O: Batch,
        F: Fn(&E::Model, &B, Mode) -> Result<O> + Clone + Send + 'static,
    {
        let _no_grad = no_grad_guard();
        let predictor = Predictor::new(predict);
        catch_panic(|| evaluate_on(&predictor, &self.model, self.device(), batch, Mode::Eval))
            .and_then(|(.., output)| owned(&output, &self.var_store))
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

impl<E: fmt::Debug, M> fmt::Debug for Pipeline<E, M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pipeline")
            .field("device", &self.var_store.device())
            .field("variables", &self.var_store.len())
            .field("evaluator", &self.evaluator)
            .finish_non_exhaustive()
    }
}
