//! Pipelines: a model and its evaluator, on one device or many.

mod single;

use tch::nn::VarStore;

pub use self::single::Pipeline;
use crate::error::Result;
use crate::evaluation::{Evaluator, Loss, Mode};

/// What all pipelines can do, so that training code is written once.
///
/// ```
/// use booster::prelude::*;
///
/// /// One pass over some batches; the summary is the same on one device and on many.
/// fn validate<P: EvaluationPipeline>(
///     pipeline: &mut P,
///     batches: &[BatchOf<P>],
/// ) -> booster::Result<<DiagnosticsOf<P> as Diagnostic>::Summary> {
///     let mut mean = Aggregator::new();
///     for batch in batches {
///         mean.update(&validation_step(pipeline, batch)?.diagnostics)?;
///     }
///     mean.summary()
/// }
/// ```
pub trait EvaluationPipeline {
    /// The evaluator.
    type Evaluator: Evaluator;

    /// Evaluates the model on a batch, which is moved to where the model is.
    ///
    /// The diagnostics hold no graph; the loss and the output do, unless gradients are off.
    ///
    /// # Errors
    /// The evaluator's own; [`Error::EmptyBatch`](crate::Error::EmptyBatch) and
    /// [`Error::BatchLength`](crate::Error::BatchLength) for a batch that is none;
    /// [`Error::LossShape`](crate::Error::LossShape) and [`Error::LossKind`](crate::Error::LossKind) for a loss that
    /// is none.
    fn evaluate(&mut self, batch: &BatchOf<Self>, mode: Mode) -> Result<(Loss, DiagnosticsOf<Self>, OutputOf<Self>)>;

    /// The evaluator, to read its parameters.
    fn evaluator(&self) -> &Self::Evaluator;

    /// The evaluator, to change its parameters: `pipeline.evaluator_mut().beta = 0.5`.
    fn evaluator_mut(&mut self) -> &mut Self::Evaluator;

    /// The model's variables: what an optimizer is built of, and what is saved and loaded.
    fn var_store(&self) -> &VarStore;

    /// The model's variables, to load, freeze or convert them.
    fn var_store_mut(&mut self) -> &mut VarStore;
}

/// The batch of a pipeline's evaluator.
pub type BatchOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Batch;

/// The diagnostics of a pipeline's evaluator.
pub type DiagnosticsOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Diagnostics;

/// The output of a pipeline's evaluator.
pub type OutputOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Output;
