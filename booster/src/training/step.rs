//! One step of training or validation.

use std::ops::Deref;
use std::time::{Duration, Instant};

use tch::nn::Optimizer;
use tch::{Tensor, no_grad_guard};

use crate::error::Result;
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::optimizer::{self, Held};
use crate::pipeline::{EvaluationPipeline, owned};
use crate::{Batch as _, Diagnostic};

/// What a step of training or validation measured: its diagnostics, and under `step/` what is the same for all evaluators.
///
/// Its summary derefs to that of the diagnostics: `summary.loss.nll`.
#[derive(Debug, Diagnostic)]
pub struct Step<D: Diagnostic, O = ()> {
    /// What the evaluator measured.
    #[diagnostic(flatten)]
    pub diagnostics: D,
    /// The loss without its graph. Over many steps it is the mean over all samples, or over whatever else it is the
    /// [mean of](Loss::weighted).
    #[group = "step"]
    pub loss: Loss,
    /// From the call to its return, in seconds. A device may still be at work then: over many steps the mean is right,
    /// since the queue of a device is finite. See [`Trainer::throughput`](super::Trainer::throughput).
    #[group = "step"]
    pub elapsed: Duration,
    /// The Euclidean norm of the gradient of all variables of the optimizer, before it is clipped: a 0-dimensional tensor.
    /// `None` where a [`Trainer`](super::Trainer)'s window goes on, and without a trainer.
    #[group = "step"]
    pub gradient_norm: Option<Tensor>,
    /// The rate of parameter group 0, by the trainer's schedule; `None` without one.
    #[group = "step"]
    #[metric(last)]
    pub learning_rate: Option<f64>,
    /// The number of samples in the batch; `None` for a batch without tensors. What is measured of the step counts as many
    /// times; batch-level fields of the diagnostics do where nothing else says how many samples there are.
    #[diagnostic(batch_size)]
    pub batch_size: Option<i64>,
    /// The evaluator's output where it was asked for.
    #[diagnostic(skip)]
    pub output: O,
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
/// Returns [`Error::Mismatch`](crate::Error::Mismatch) if the optimizer holds none of the pipeline's variables;
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
    train(pipeline, batch, optimizer, |pipeline| {
        pipeline.backward(batch).map(|(loss, diagnostics)| (loss, diagnostics, ()))
    })
}

/// [`training_step`] with the evaluator's output, without its graph: for predictions on what is trained on, or a state that
/// the next batch begins with (truncated backpropagation through time).
///
/// # Errors
/// Those of [`training_step`].
pub fn training_step_with_output<P, E>(
    pipeline: &mut P,
    batch: &E::Batch,
    optimizer: &mut Optimizer,
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
    optimizer: &mut Optimizer,
    backward: impl FnOnce(&mut P) -> Result<(Loss, E::Diagnostics, O)>,
) -> Result<Step<E::Diagnostics, O>>
where
    P: EvaluationPipeline<Evaluator = E>,
    E: Evaluator,
{
    let start = Instant::now();
    let batch_size = batch.batch_size()?;
    let held = Held::of(optimizer, pipeline.var_store())?;
    optimizer.zero_grad();
    let stepped = backward(pipeline).and_then(|found| {
        optimizer::step(optimizer)?;
        Ok(found)
    });
    let (loss, diagnostics, output) = stepped.inspect_err(|_| optimizer.zero_grad())?;
    if held.are_all {
        pipeline.stepped();
    }
    let (gradient_norm, learning_rate) = (None, None);
    Ok(Step { diagnostics, loss, elapsed: start.elapsed(), gradient_norm, learning_rate, batch_size, output })
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
    let Step { diagnostics, loss, elapsed, gradient_norm, learning_rate, batch_size, output: _ } =
        validate(pipeline, batch)?;
    Ok(Step { diagnostics, loss, elapsed, gradient_norm, learning_rate, batch_size, output: () })
}

/// [`validation_step`] with the evaluator's output.
///
/// # Errors
/// Those of [`EvaluationPipeline::evaluate`].
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
