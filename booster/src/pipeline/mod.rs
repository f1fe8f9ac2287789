//! Pipelines: a model and its evaluator, on one device or many.

mod data_parallel;
mod predict;
mod single;

use std::cell::LazyCell;
use std::collections::HashSet;
use std::sync::PoisonError;

use booster_sys::identity::storage;
use tch::Device;
use tch::nn::{Optimizer, VarStore};

pub use self::data_parallel::DataParallelPipeline;
pub use self::single::Pipeline;
use crate::batch::{Batch, FieldPath};
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::optimizer::{self, Held};
use crate::sealed::Sealed;

/// What all pipelines can do, so that training code is written once.
///
/// It is implemented here alone: an evaluator is what programs write themselves.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pipeline",
    label = "not a pipeline",
    note = "make one of a model and an evaluator: `Pipeline::build(device, net, evaluator)`, or \
            `DataParallelPipeline::build(&devices, net, evaluator)?` for many devices"
)]
pub trait EvaluationPipeline: Sealed {
    /// The evaluator.
    type Evaluator: Evaluator;

    /// Evaluates the model on a batch, which is moved to where the model is.
    ///
    /// The diagnostics hold no graph; the loss and the output do, unless gradients are off.
    ///
    /// # Errors
    /// The evaluator's own; [`Error::EmptyBatch`] and [`Error::BatchLength`] if the batch is empty or its tensors disagree;
    /// [`Error::LossShape`] and [`Error::LossKind`] if the loss is not a scalar of a floating-point kind.
    fn evaluate(&mut self, batch: &BatchOf<Self>, mode: Mode) -> Result<(Loss, DiagnosticsOf<Self>, OutputOf<Self>)>;

    /// Evaluates the model on a batch in [`Mode::Train`] and adds the gradient of the loss to those of the variables. The
    /// loss that is returned has no graph.
    ///
    /// This is what [`training_step`](crate::training_step) does; a pipeline on many devices does it on all at once.
    ///
    /// # Errors
    /// Those of [`EvaluationPipeline::evaluate`], after which gradients are as they were;
    /// [`Error::LossWithoutGradient`] where no parameter takes part in the loss; [`Error::Torch`] where libtorch cannot
    /// differentiate it, after which gradients are to be zeroed.
    fn backward(&mut self, batch: &BatchOf<Self>) -> Result<(Loss, DiagnosticsOf<Self>)> {
        let (loss, diagnostics, _) = self.evaluate(batch, Mode::Train)?;
        Ok((differentiate(loss)?, diagnostics))
    }

    /// The same with the output, which has no graph either.
    ///
    /// # Errors
    /// Those of [`backward`](Self::backward).
    fn backward_with_output(&mut self, batch: &BatchOf<Self>) -> Result<(Loss, DiagnosticsOf<Self>, OutputOf<Self>)> {
        let (loss, diagnostics, output) = self.evaluate(batch, Mode::Train)?;
        Ok((differentiate(loss)?, diagnostics, owned(&output, self.var_store())?))
    }

    /// What the model makes of a batch: no target, no loss, no gradient, and [`Mode::Eval`]. On many devices each replica
    /// is given a part of the batch, and what they make is joined in order, on the first device.
    ///
    /// ```
    /// use booster::evaluation::Classification;
    /// use booster::prelude::*;
    /// use booster::tch::nn::{self, ModuleT};
    /// use booster::tch::{Device, Kind, Tensor};
    ///
    /// # fn main() -> booster::Result<()> {
    /// let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    /// let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?;
    /// let images = Tensor::rand([5, 4], (Kind::Float, Device::Cpu));
    /// let classes = pipeline.predict(&images, |model, images, mode| {
    ///     Ok(model.forward_t(images, mode.is_train()).f_argmax(-1, false)?)
    /// })?;
    /// assert_eq!(classes.size(), [5]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of `predict`; [`Error::EmptyBatch`] and [`Error::BatchLength`] if the batch is empty or its tensors disagree.
    fn predict<B, O, F>(&mut self, batch: &B, predict: F) -> Result<O>
    where
        B: Batch,
        O: Batch,
        F: Fn(&ModelOf<Self>, &B, Mode) -> Result<O> + Clone + Send + 'static;

    /// Has an optimizer step on the gradients of its variables, in a loop of your own:
    ///
    /// ```no_run
    /// # use booster::prelude::*;
    /// # use booster::tch::nn::Optimizer;
    /// # fn train<P: EvaluationPipeline>(pipeline: &mut P, batch: &BatchOf<P>, optimizer: &mut Optimizer) -> booster::Result<()> {
    /// optimizer.zero_grad();
    /// let (loss, diagnostics, output) = pipeline.evaluate(batch, Mode::Train)?;
    /// loss.backward()?;
    /// pipeline.step(optimizer)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// `optimizer.step()` does the same, but it panics where libtorch refuses, and many devices are sent the variables
    /// again for each validation after it.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the optimizer holds none of the pipeline's variables; [`Error::Torch`] if it refuses a
    /// gradient, after it may have stepped on those before.
    fn step(&mut self, optimizer: &mut Optimizer) -> Result<()> {
        let held = Held::of(optimizer, self.var_store())?;
        optimizer::step(optimizer)?;
        if held.are_all {
            self.stepped();
        }
        Ok(())
    }

    /// Takes note that an optimizer has stepped on all gradients of this pipeline that there were: until the next one the
    /// variables stay as they are, and need not be sent to other devices again, unless there was a graph of
    /// [`evaluate`](Self::evaluate) that may still be differentiated.
    #[doc(hidden)]
    fn stepped(&mut self) {}

    /// Takes note that the variables were written, or given other memory for a while, by other means than an optimizer or
    /// [`var_store_mut`](Self::var_store_mut): once they have it, and once they are back.
    #[doc(hidden)]
    fn changed(&mut self) {}

    /// The evaluator, to read its parameters.
    fn evaluator(&self) -> &Self::Evaluator;

    /// The evaluator, to change its parameters: `pipeline.evaluator_mut().beta = 0.5`.
    fn evaluator_mut(&mut self) -> &mut Self::Evaluator;

    /// The model's variables: what an optimizer is built of, and what is saved and loaded.
    fn var_store(&self) -> &VarStore;

    /// The model's variables, to load, freeze or convert them.
    ///
    /// To differentiate a loss is an error after a load. After a conversion to another kind libtorch does not notice, and
    /// takes the converted values: have no loss wait for its backward there.
    fn var_store_mut(&mut self) -> &mut VarStore;
}

/// Evaluates a batch that is moved to the model's device; the diagnostics without their graph.
fn evaluate_on<E: Evaluator>(
    evaluator: &E,
    model: &E::Model,
    device: Device,
    batch: &E::Batch,
    mode: Mode,
) -> Result<(Loss, E::Diagnostics, E::Output)> {
    if batch.batch_size()? == Some(0) {
        return Err(Error::EmptyBatch);
    }
    let moved = if batch.is_on(device) { None } else { Some(batch.move_to(device)?) };
    let (loss, diagnostics, output) = evaluator.evaluate(model, moved.as_ref().unwrap_or(batch), mode)?;
    Ok((loss.checked()?, diagnostics.detach()?, output))
}

/// Runs backward, and gives the loss without its graph.
fn differentiate(loss: Loss) -> Result<Loss> {
    loss.backward()?;
    loss.detached()
}

/// An output without its graph, in memory that no variable has: what writes to variables leaves it as it is.
pub(crate) fn owned<B: Batch>(output: &B, variables: &VarStore) -> Result<B> {
    let memory = || {
        let variables = variables.variables_.lock().unwrap_or_else(PoisonError::into_inner);
        variables.named_variables.values().filter_map(storage).collect::<HashSet<_>>()
    };
    let memory = LazyCell::new(memory);
    output.map_tensors(FieldPath::ROOT, &mut |_, tensor| {
        let is_theirs = storage(tensor).is_some_and(|of| memory.contains(&of));
        let tensor = tensor.f_detach()?;
        Ok(if is_theirs { tensor.f_detach_copy()? } else { tensor })
    })
}

/// An output without its graph.
fn detached<B: Batch>(output: &B) -> Result<B> {
    output.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.f_detach()?))
}

/// The model of a pipeline's evaluator.
pub type ModelOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Model;

/// The batch of a pipeline's evaluator.
pub type BatchOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Batch;

/// The diagnostics of a pipeline's evaluator.
pub type DiagnosticsOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Diagnostics;

/// The output of a pipeline's evaluator.
pub type OutputOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Output;
