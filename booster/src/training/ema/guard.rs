//! A pipeline whose variables are the averages for a while.

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

/// A pipeline that evaluates with the averages; the variables have their own values again once it is dropped.
///
/// It is a pipeline itself, to validate with, to predict with, or to save the averages by its variables.
pub struct EmaGuard<'a, P> {
    pipeline: &'a mut P,
    lent: SwapGuard,
    /// [`EvaluationPipeline::changed`], so that the struct needs no bound.
    changed: fn(&mut P),
}

impl Ema {
    /// Lends the averages to a pipeline, for as long as what is returned lives.
    ///
    /// Nothing is copied: the variables refer to the averages' storage, and afterwards to their own again, also where an
    /// evaluation fails or panics. Optimizers do not notice. It is for evaluation: what is trained in between, statistics
    /// of batch norm in [`Mode::Train`] included, changes the averages. Averages of variables in half precision are
    /// converted to it, which takes as much memory as the variables.
    ///
    /// A graph from before gives its gradient once the averages are gone, and a graph of the averages is an error then:
    /// it holds the variables, not their values.
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
    /// Those of [`update`](Self::update), for a pipeline that the average was not made of.
    pub fn averaged<'a, P: EvaluationPipeline>(&'a mut self, pipeline: &'a mut P) -> Result<EmaGuard<'a, P>> {
        let _no_grad = no_grad_guard();
        self.sync(pipeline.var_store())?;
        let mut lent = SwapGuard(Vec::with_capacity(self.averages.len()));
        for average in &self.averages {
            let value = average.as_variable()?;
            for variable in &average.variables {
                lent.lend(variable.shallow_clone(), &value)?;
            }
        }
        pipeline.changed();
        Ok(EmaGuard { pipeline, lent, changed: P::changed })
    }
}

impl<'a, P> EmaGuard<'a, P> {
    /// A pipeline whose variables keep their own values.
    pub(in crate::training) fn as_is(pipeline: &'a mut P) -> Self {
        Self { pipeline, lent: SwapGuard(Vec::new()), changed: |_| {} }
    }
}

/// The variables that refer to averages, each with its own value.
struct SwapGuard(Vec<(Tensor, Tensor)>);

impl SwapGuard {
    fn lend(&mut self, mut variable: Tensor, value: &Tensor) -> Result<()> {
        let own = swap_in(&mut variable, value)?;
        self.0.push((variable, own));
        Ok(())
    }

    fn give_back(&mut self) {
        // Backwards: a variable of two names was lent twice, and its own value is that of the first time.
        for (mut variable, own) in self.0.drain(..).rev() {
            // libtorch refuses values of another layout or backend, and this one was the variable's before.
            let _ = swap_back(&mut variable, &own);
        }
    }
}

impl Drop for SwapGuard {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<P> Drop for EmaGuard<'_, P> {
    fn drop(&mut self) {
        self.lent.give_back();
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

/// For what the pipeline offers besides: its model.
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
