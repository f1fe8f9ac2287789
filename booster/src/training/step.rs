//! Single training and validation steps.

use std::ops::Deref;
use std::time::{Duration, Instant};

use tch::{Tensor, no_grad_guard};

use crate::error::Result;
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::optim::{Held, Optimizer};
use crate::pipeline::{EvaluationPipeline, owned};
use crate::{Batch as _, Diagnostic};

/// The measurements of a training or validation step: the evaluator's diagnostics, and metrics common to all evaluators
/// under `step/`.
///
/// The summary of a step dereferences to that of the diagnostics: `summary.loss.nll`.
#[derive(Debug, Diagnostic)]
pub struct Step<D: Diagnostic, O = ()> {
    /// The evaluator's diagnostics.
    #[diagnostic(flatten)]
    pub diagnostics: D,
    /// The loss, detached from the graph. Its aggregate over steps is a mean in which each step counts by the
    /// [weight](Loss::weighted) of its loss, or by its number of samples if the loss has none.
    #[group = "step"]
    pub loss: Loss,
    /// The duration of the call, in seconds. A device may still be working when the call returns, but the mean over
    /// many steps is accurate, since a device's queue is finite. See
    /// [`Trainer::throughput`](super::Trainer::throughput).
    #[group = "step"]
    pub elapsed: Duration,
    /// The Euclidean norm of the gradient of all of the optimizer's variables, before clipping: a 0-dimensional tensor.
    /// `None` without a [`Trainer`](super::Trainer), or while the trainer's window is not full.
    #[group = "step"]
    pub gradient_norm: Option<Tensor>,
    /// The learning rate of parameter group 0, from the trainer's schedule; `None` without one.
    #[group = "step"]
    #[metric(last)]
    pub learning_rate: Option<f64>,
    /// The number of samples in the batch; `None` for a batch without tensors. It is the weight of the step's metrics,
    /// and of batch-level fields of the diagnostics that have no other sample count.
    #[diagnostic(batch_size)]
    pub batch_size: Option<i64>,
    /// The evaluator's output, if requested.
    #[diagnostic(skip)]
    pub output: O,
}

impl<D: Diagnostic> Deref for StepSummary<D> {
    type Target = D::Summary;

    fn deref(&self) -> &D::Summary {
        &self.diagnostics
    }
}

// `E` is a parameter so that a type that is not a pipeline causes a single error, at the argument.
/// Performs a training step: evaluates in [`Mode::Train`], runs the backward pass and steps the optimizer.
///
/// Gradients are zeroed first, and again after an error, so that a failed step does not affect later ones. Nothing is
/// read back from the device.
///
/// The optimizer may hold only some of the pipeline's variables, as in the example of
/// [`Trainer`](crate::training::Trainer). The gradients of other variables are neither zeroed nor applied.
///
/// # Errors
/// Returns [`Error::Mismatch`](crate::Error::Mismatch) if the optimizer holds none of the pipeline's variables;
/// [`Error::LossWithoutGradient`](crate::Error::LossWithoutGradient) if the loss does not depend on any parameter;
/// [`Error::Torch`](crate::Error::Torch) if the backward pass fails, or if the optimizer rejects a gradient, in which
/// case other variables may already be updated; and the errors of [`EvaluationPipeline::backward`].
pub fn training_step<P, E>(
    pipeline: &mut P,
    batch: &E::Batch,
    optimizer: &mut impl Optimizer,
) -> Result<Step<E::Diagnostics>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    train(pipeline, batch, optimizer, |pipeline| {
        pipeline.backward(batch).map(|(loss, diagnostics)| (loss, diagnostics, ()))
    })
}

/// Performs a [`training_step`] and also returns the evaluator's output, detached from the graph.
///
/// Use it for predictions on the training data, or for state that carries over to the next batch (truncated
/// backpropagation through time).
///
/// # Errors
/// Returns the errors of [`training_step`].
pub fn training_step_with_output<P, E>(
    pipeline: &mut P,
    batch: &E::Batch,
    optimizer: &mut impl Optimizer,
) -> Result<Step<E::Diagnostics, E::Output>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    train(pipeline, batch, optimizer, |pipeline| pipeline.backward_with_output(batch))
}

fn train<P, E, O>(
    pipeline: &mut P,
    batch: &E::Batch,
    optimizer: &mut impl Optimizer,
    backward: impl FnOnce(&mut P) -> Result<(Loss, E::Diagnostics, O)>,
) -> Result<Step<E::Diagnostics, O>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let start = Instant::now();
    let batch_size = batch.batch_size()?;
    let held = Held::of(optimizer, pipeline.var_store())?;
    optimizer.zero_grad()?;
    let stepped = backward(pipeline).and_then(|found| {
        optimizer.step()?;
        Ok(found)
    });
    let (loss, diagnostics, output) = stepped.inspect_err(|_| drop(optimizer.zero_grad()))?;
    if held.are_all {
        pipeline.stepped();
    }
    let (gradient_norm, learning_rate) = (None, None);
    Ok(Step { diagnostics, loss, elapsed: start.elapsed(), gradient_norm, learning_rate, batch_size, output })
}

/// Performs a validation step: evaluates in [`Mode::Eval`] without gradients.
///
/// # Errors
/// Returns the errors of [`EvaluationPipeline::evaluate`].
pub fn validation_step<P, E>(pipeline: &mut P, batch: &E::Batch) -> Result<Step<E::Diagnostics>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let Step { diagnostics, loss, elapsed, gradient_norm, learning_rate, batch_size, output: _ } =
        validate(pipeline, batch)?;
    Ok(Step { diagnostics, loss, elapsed, gradient_norm, learning_rate, batch_size, output: () })
}

/// Performs a [`validation_step`] and also returns the evaluator's output.
///
/// # Errors
/// Returns the errors of [`EvaluationPipeline::evaluate`].
pub fn validation_step_with_output<P, E>(pipeline: &mut P, batch: &E::Batch) -> Result<Step<E::Diagnostics, E::Output>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let step = validate(pipeline, batch)?;
    let output = owned(&step.output, pipeline.var_store())?;
    Ok(Step { output, ..step })
}

fn validate<P, E>(pipeline: &mut P, batch: &E::Batch) -> Result<Step<E::Diagnostics, E::Output>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let start = Instant::now();
    let batch_size = batch.batch_size()?;
    let _no_grad = no_grad_guard();
    let (loss, diagnostics, output) = pipeline.evaluate(batch, Mode::Eval)?;
    let (gradient_norm, learning_rate, loss) = (None, None, loss.detached()?);
    Ok(Step { diagnostics, loss, elapsed: start.elapsed(), gradient_norm, learning_rate, batch_size, output })
}
