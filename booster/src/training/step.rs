//! One step of training or validation.

use std::ops::Deref;
use std::time::{Duration, Instant};

use tch::nn::Optimizer;
use tch::no_grad_guard;

use super::optimizer::{self, Held};
use crate::error::Result;
use crate::evaluation::{Evaluator, Mode};
use crate::pipeline::EvaluationPipeline;
use crate::{Batch as _, Diagnostic};

/// What a step measured, and how long it took.
///
/// It derefs to the diagnostics, and its summary to theirs: `step.nll`, `summary.loss.nll`.
#[derive(Debug, Diagnostic)]
pub struct Step<D: Diagnostic> {
    /// What the evaluator measured.
    #[diagnostic(flatten)]
    pub diagnostics: D,
    /// From the call to its return, in seconds. A device may still be at work then: over many steps the mean is right,
    /// since the queue of a device is finite.
    #[group = "step"]
    pub elapsed: Duration,
    /// The number of samples in the batch; `None` for a batch without tensors. Batch-level fields count as many times
    /// where nothing else says how many samples there are.
    #[diagnostic(batch_size)]
    pub batch_size: Option<i64>,
}

impl<D: Diagnostic> Deref for Step<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.diagnostics
    }
}

impl<D: Diagnostic> Deref for StepSummary<D> {
    type Target = D::Summary;

    fn deref(&self) -> &D::Summary {
        &self.diagnostics
    }
}

// The evaluator is a parameter of its own so that what is no pipeline is one error, at the argument.
/// One step of training: evaluates in [`Mode::Train`], runs backward and lets the optimizer step.
///
/// Gradients are zeroed before, and after an error, so that nothing of it gets into a later step. Nothing is read back
/// from the device.
///
/// The optimizer may hold a part of the pipeline's variables, as [`Trainer`](crate::training::Trainer) shows: gradients
/// of the others are neither zeroed nor stepped on.
///
/// # Errors
/// Returns [`Error::Argument`](crate::Error::Argument) if the optimizer holds none of the pipeline's variables;
/// [`Error::LossWithoutGradient`](crate::Error::LossWithoutGradient) if no parameter takes part in the loss;
/// [`Error::Torch`](crate::Error::Torch) if libtorch cannot differentiate it, or the optimizer refuses a gradient, after
/// it may have stepped on those before; and the errors of [`EvaluationPipeline::backward`].
pub fn training_step<P, E>(
    pipeline: &mut P,
    batch: &E::Batch,
    optimizer: &mut Optimizer,
) -> Result<Step<E::Diagnostics>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let start = Instant::now();
    let batch_size = batch.batch_size()?;
    let held = Held::of(optimizer, pipeline.var_store())?;
    optimizer.zero_grad();
    let stepped = pipeline.backward(batch).and_then(|(_, diagnostics)| {
        optimizer::step(optimizer)?;
        Ok(diagnostics)
    });
    let diagnostics = stepped.inspect_err(|_| optimizer.zero_grad())?;
    if held.are_all {
        pipeline.stepped();
    }
    Ok(Step { diagnostics, elapsed: start.elapsed(), batch_size })
}

/// One step of validation: evaluates in [`Mode::Eval`] without gradients.
///
/// # Errors
/// Those of [`EvaluationPipeline::evaluate`].
pub fn validation_step<P, E>(pipeline: &mut P, batch: &E::Batch) -> Result<Step<E::Diagnostics>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let start = Instant::now();
    let batch_size = batch.batch_size()?;
    let _no_grad = no_grad_guard();
    let (_, diagnostics, _) = pipeline.evaluate(batch, Mode::Eval)?;
    Ok(Step { diagnostics, elapsed: start.elapsed(), batch_size })
}
