//! A pipeline with averaged weights.

use std::fmt;
use std::ops::Deref;

use booster_sys::swap::{swap_back, swap_in};
use tch::nn::VarStore;
use tch::{Tensor, no_grad_guard};

use super::Ema;
use crate::batch::Batch;
use crate::error::Result;
use crate::evaluation::{Loss, Mode};
use crate::pipeline::{BatchOf, DiagnosticsOf, EvaluationPipeline, ModelOf, OutputOf};
use crate::sealed::Sealed;

/// A pipeline with averaged weights, whose own weights are restored on drop.
///
/// It is a pipeline itself, for validation, prediction, and saving the averages through its variables.
pub struct EmaGuard<'a, P> {
    pipeline: &'a mut P,
    swapped: SwapGuard,
    /// [`EvaluationPipeline::changed`], stored so that the struct needs no bound.
    changed: fn(&mut P),
}

impl Ema {
    /// Swaps the averages into a pipeline until the returned guard is dropped.
    ///
    /// Nothing is copied: the variables refer to the averages' storage, and to their own again afterwards, even if an
    /// evaluation fails or panics. Optimizers are unaffected. Use the guard for evaluation only: training would change
    /// the averages, and an evaluation in [`Mode::Train`] would change their batch norm statistics. Averages of
    /// half-precision variables are converted, which takes as much memory as the variables.
    ///
    /// A graph recorded before the swap can be differentiated after the guard is dropped. Differentiating a graph of
    /// the averages is then an error, since a graph holds the variables and not their values.
    ///
    /// ```no_run
    /// # use booster::prelude::*;
    /// # use booster::training::Ema;
    /// # fn save<P: EvaluationPipeline>(ema: &mut Ema, pipeline: &mut P, batch: &BatchOf<P>) -> booster::Result<()> {
    /// let mut averaged = ema.averaged(pipeline)?;
    /// let step = validation_step(&mut averaged, batch)?;
    /// averaged.var_store().save("averaged.safetensors")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`update`](Self::update).
    pub fn averaged<'a, P: EvaluationPipeline>(&'a mut self, pipeline: &'a mut P) -> Result<EmaGuard<'a, P>> {
        let _no_grad = no_grad_guard();
        self.sync(pipeline.var_store())?;
        let mut swapped = SwapGuard(Vec::with_capacity(self.averages.len()));
        for average in &self.averages {
            let value = average.as_variable()?;
            for variable in &average.variables {
                swapped.swap(variable.shallow_clone(), &value)?;
            }
        }
        pipeline.changed();
        Ok(EmaGuard { pipeline, swapped, changed: P::changed })
    }
}

impl<'a, P> EmaGuard<'a, P> {
    /// Wraps a pipeline without averages.
    pub(in crate::training) fn as_is(pipeline: &'a mut P) -> Self {
        Self { pipeline, swapped: SwapGuard(Vec::new()), changed: |_| {} }
    }
}

/// The swapped variables, each with its original value.
struct SwapGuard(Vec<(Tensor, Tensor)>);

impl SwapGuard {
    fn swap(&mut self, mut variable: Tensor, value: &Tensor) -> Result<()> {
        let own = swap_in(&mut variable, value)?;
        self.0.push((variable, own));
        Ok(())
    }

    fn restore(&mut self) {
        // In reverse order: a variable with two names was swapped twice, and its own value is that of the first swap.
        for (mut variable, own) in self.0.drain(..).rev() {
            // Fails only if the layout or backend differs, and `own` is the variable's original value.
            let _ = swap_back(&mut variable, &own);
        }
    }
}

impl Drop for SwapGuard {
    fn drop(&mut self) {
        self.restore();
    }
}

impl<P> Drop for EmaGuard<'_, P> {
    fn drop(&mut self) {
        self.swapped.restore();
        (self.changed)(self.pipeline);
    }
}

impl<P> Sealed for EmaGuard<'_, P> {}

impl<P: EvaluationPipeline> EvaluationPipeline for EmaGuard<'_, P> {
    type Evaluator = P::Evaluator;

    fn evaluate(&mut self, batch: &BatchOf<P>, mode: Mode) -> Result<(Loss, DiagnosticsOf<P>, OutputOf<P>)> {
        self.pipeline.evaluate(batch, mode)
    }

    fn backward(&mut self, batch: &BatchOf<P>) -> Result<(Loss, DiagnosticsOf<P>)> {
        self.pipeline.backward(batch)
    }

    fn backward_with_output(&mut self, batch: &BatchOf<P>) -> Result<(Loss, DiagnosticsOf<P>, OutputOf<P>)> {
        self.pipeline.backward_with_output(batch)
    }

    fn predict<B, O, F>(&mut self, batch: &B, predict: F) -> Result<O>
    where
        B: Batch,
        O: Batch,
        F: Fn(&ModelOf<P>, &B, Mode) -> Result<O> + Clone + Send + 'static,
    {
        self.pipeline.predict(batch, predict)
    }

    fn stepped(&mut self) {
        self.pipeline.stepped();
    }

    fn changed(&mut self) {
        self.pipeline.changed();
    }

    fn evaluator(&self) -> &P::Evaluator {
        self.pipeline.evaluator()
    }

    fn evaluator_mut(&mut self) -> &mut P::Evaluator {
        self.pipeline.evaluator_mut()
    }

    fn var_store(&self) -> &VarStore {
        self.pipeline.var_store()
    }

    fn var_store_mut(&mut self) -> &mut VarStore {
        self.pipeline.var_store_mut()
    }
}

/// Gives access to the pipeline's other methods, such as those that return its model.
impl<P> Deref for EmaGuard<'_, P> {
    type Target = P;

    fn deref(&self) -> &P {
        self.pipeline
    }
}

impl<P: fmt::Debug> fmt::Debug for EmaGuard<'_, P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("EmaGuard").field(&self.pipeline).finish()
    }
}
