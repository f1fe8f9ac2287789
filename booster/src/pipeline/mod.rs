//! Pipelines: a model with its evaluator, on one or more devices.

mod data_parallel;
mod predict;
mod single;

use std::cell::LazyCell;
use std::collections::HashSet;
use std::sync::PoisonError;

use booster_sys::identity::storage;
use tch::Device;
use tch::nn::VarStore;

pub use self::data_parallel::DataParallelPipeline;
pub use self::single::Pipeline;
use crate::batch::{Batch, FieldPath};
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::evaluation::{Evaluator, Loss, Mode};
use crate::optim::{Held, Optimizer};
use crate::sealed::Sealed;

/// A model with its evaluator, on one or more devices.
///
/// Code that is generic over this trait runs on both [`Pipeline`] and [`DataParallelPipeline`]. The trait is sealed; to
/// customize evaluation, implement [`Evaluator`].
///
/// ```
/// use booster::prelude::*;
///
/// /// Summarizes the diagnostics of some batches, on any pipeline.
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
    note = "build one from a model and an evaluator: `Pipeline::build(device, net, evaluator)`, or \
            `DataParallelPipeline::build(&devices, net, evaluator)?` for several devices"
)]
pub trait EvaluationPipeline: Sealed {
    /// The evaluator's type.
    type Evaluator: Evaluator;

    /// Evaluates the model on a batch, which is first moved to the model's device.
    ///
    /// The diagnostics are detached from the graph. The loss and the output are not, unless gradients are disabled.
    ///
    /// # Errors
    /// Returns the evaluator's errors; [`Error::EmptyBatch`] if the batch is empty; [`Error::BatchLength`] if its
    /// tensors differ in length; and [`Error::LossShape`] or [`Error::LossKind`] if the loss is not a floating-point
    /// scalar.
    fn evaluate(&mut self, batch: &BatchOf<Self>, mode: Mode) -> Result<(Loss, DiagnosticsOf<Self>, OutputOf<Self>)>;

    /// Evaluates a batch in [`Mode::Train`] and accumulates the gradient of the loss in the variables. The returned
    /// loss is detached from the graph.
    ///
    /// [`training_step`](crate::training_step) calls this method. A pipeline on several devices runs the backward pass
    /// on all of them at once.
    ///
    /// # Errors
    /// Returns the errors of [`EvaluationPipeline::evaluate`], with gradients unchanged; [`Error::LossWithoutGradient`]
    /// if the loss does not depend on any parameter; and [`Error::Torch`] if the backward pass fails, after which
    /// gradients must be zeroed.
    fn backward(&mut self, batch: &BatchOf<Self>) -> Result<(Loss, DiagnosticsOf<Self>)> {
        let (loss, diagnostics, _) = self.evaluate(batch, Mode::Train)?;
        Ok((differentiate(loss)?, diagnostics))
    }

    /// Same as [`backward`](Self::backward), but also returns the output, detached from the graph.
    ///
    /// # Errors
    /// Returns the errors of [`backward`](Self::backward).
    fn backward_with_output(&mut self, batch: &BatchOf<Self>) -> Result<(Loss, DiagnosticsOf<Self>, OutputOf<Self>)> {
        let (loss, diagnostics, output) = self.evaluate(batch, Mode::Train)?;
        Ok((differentiate(loss)?, diagnostics, owned(&output, self.var_store())?))
    }

    /// Applies a function to the model and a batch, in [`Mode::Eval`] and without gradients.
    ///
    /// No target or loss is involved. On several devices each replica processes a shard of the batch, and the outputs
    /// are joined in order on the first device.
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
    /// Returns the errors of `predict`; [`Error::EmptyBatch`] if the batch is empty; and [`Error::BatchLength`] if its
    /// tensors differ in length.
    fn predict<B, O, F>(&mut self, batch: &B, predict: F) -> Result<O>
    where
        B: Batch,
        O: Batch,
        F: Fn(&ModelOf<Self>, &B, Mode) -> Result<O> + Clone + Send + 'static;

    /// Steps an optimizer, for custom training loops:
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
    /// Prefer this to `optimizer.step()`: after that call, a pipeline on several devices resends its variables for
    /// every validation step. A tch optimizer's `step` also panics if libtorch fails.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the optimizer holds none of the pipeline's variables, and [`Error::Torch`] if it
    /// rejects a gradient, in which case other variables may already be updated.
    fn step(&mut self, optimizer: &mut impl Optimizer) -> Result<()> {
        let held = Held::of(optimizer, self.var_store())?;
        optimizer.step()?;
        if held.are_all {
            self.stepped();
        }
        Ok(())
    }

    /// Notifies the pipeline that an optimizer has stepped on all of its gradients.
    ///
    /// Until the next gradient the variables stay the same and need not be sent to other devices again, unless a graph
    /// of [`evaluate`](Self::evaluate) may still be differentiated.
    #[doc(hidden)]
    fn stepped(&mut self) {}

    /// Notifies the pipeline that its variables were written, or swapped to other memory, by means other than an
    /// optimizer or [`var_store_mut`](Self::var_store_mut). Call it after a swap and again once the swap is undone.
    #[doc(hidden)]
    fn changed(&mut self) {}

    /// Returns the evaluator.
    fn evaluator(&self) -> &Self::Evaluator;

    /// Returns a mutable reference to the evaluator, to set its parameters: `pipeline.evaluator_mut().beta = 0.5`.
    fn evaluator_mut(&mut self) -> &mut Self::Evaluator;

    /// Returns the model's variables, to build an optimizer or to save them.
    fn var_store(&self) -> &VarStore;

    /// Returns a mutable reference to the model's variables, to load, freeze or convert them.
    ///
    /// Run pending backward passes first: after a load they fail, and after a conversion to another kind, which
    /// libtorch does not detect, they use the converted values.
    fn var_store_mut(&mut self) -> &mut VarStore;
}

/// Evaluates a batch on the model's device and detaches the diagnostics.
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

/// Runs the backward pass and returns the detached loss.
fn differentiate(loss: Loss) -> Result<Loss> {
    loss.backward()?;
    loss.detached()
}

/// Detaches an output, and copies tensors that share memory with a variable so that later writes do not change them.
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

fn detached<B: Batch>(output: &B) -> Result<B> {
    output.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.f_detach()?))
}

/// The model type of a pipeline.
pub type ModelOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Model;

/// The batch type of a pipeline.
pub type BatchOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Batch;

/// The diagnostics type of a pipeline.
pub type DiagnosticsOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Diagnostics;

/// The output type of a pipeline.
pub type OutputOf<P> = <<P as EvaluationPipeline>::Evaluator as Evaluator>::Output;
