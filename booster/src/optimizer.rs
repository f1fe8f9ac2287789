//! Helpers for tch optimizers: checking their variables, and steps that return errors instead of panicking.

use std::any::Any;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use booster_sys::identity::identity;
use tch::nn::{Optimizer, VarStore};
use tch::{TchError, Tensor};

use crate::error::{Error, Result, TorchError};

/// The variables of an optimizer.
#[derive(Debug)]
pub(crate) struct Held {
    /// In the optimizer's order; variables with several names are repeated.
    pub(crate) variables: Vec<Tensor>,
    /// Whether they include every trainable variable of the pipeline.
    pub(crate) are_all: bool,
}

impl Held {
    /// Returns [`Error::Mismatch`] if none of the optimizer's variables belongs to the pipeline.
    pub(crate) fn of(optimizer: &Optimizer, pipeline: &VarStore) -> Result<Self> {
        let variables = optimizer.trainable_variables();
        let store = pipeline.variables_.lock().unwrap_or_else(PoisonError::into_inner);
        let trainable = || store.trainable_variables.iter().map(|variable| identity(&variable.tensor));
        // Fast path: most optimizers are built from the pipeline's variables.
        if !variables.is_empty() && variables.iter().map(identity).eq(trainable()) {
            return Ok(Self { variables, are_all: true });
        }
        let held = variables.iter().map(identity).collect::<HashSet<_>>();
        let are_all = trainable().all(|variable| held.contains(&variable));
        let any = trainable().chain(store.named_variables.values().map(identity)).any(|one| held.contains(&one));
        if any { Ok(Self { variables, are_all }) } else { Err(of_none(&variables)) }
    }
}

fn of_none(variables: &[Tensor]) -> Error {
    Error::argument(
        "training step",
        "optimizer",
        "built from variables in `pipeline.var_store()`",
        format!("{} unrelated variables", variables.len()),
    )
}

/// Steps the optimizer. If libtorch fails at a variable, earlier ones may already be updated.
pub(crate) fn step(optimizer: &mut Optimizer) -> Result<()> {
    // tch panics by unwrapping libtorch's result, so the optimizer stays as libtorch left it.
    catch_unwind(AssertUnwindSafe(|| optimizer.step())).map_err(|panic| refused(panic.as_ref()))
}

/// Extracts libtorch's error from a panic of `Result::unwrap`.
fn refused(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map_or("the optimizer panicked", String::as_str);
    TorchError::in_panic(text).map_or_else(|| TchError::Torch(text.to_owned()).into(), |(_, error)| Error::Torch(error))
}

#[cfg(test)]
mod tests {
    use tch::nn::OptimizerConfig as _;
    use tch::{Device, nn};

    use super::*;

    fn store() -> VarStore {
        let store = VarStore::new(Device::Cpu);
        let _ = (store.root().zeros("a", &[2]), store.root().ones("b", &[1]));
        store
    }

    fn sgd(store: &VarStore) -> Optimizer {
        nn::Sgd::default().build(store, 0.1).unwrap()
    }

    #[test]
    fn an_optimizer_may_hold_all_or_some_of_a_pipelines_variables() {
        let (pipeline, part) = (store(), VarStore::new(Device::Cpu));
        assert!(Held::of(&sgd(&pipeline), &pipeline).unwrap().are_all);
        let _ = part.root().add("x", pipeline.variables()["b"].shallow_clone(), true);
        let held = Held::of(&sgd(&part), &pipeline).unwrap();
        assert_eq!((held.variables.len(), held.are_all), (1, false));
        let _ = part.root().add("y", pipeline.variables()["a"].shallow_clone(), true);
        let _ = part.root().zeros("own", &[2]);
        assert!(Held::of(&sgd(&part), &pipeline).unwrap().are_all);
    }

    #[test]
    fn an_optimizer_of_other_variables_is_refused() {
        for (of, size) in [(store(), 2), (VarStore::new(Device::Cpu), 0)] {
            let error = Held::of(&sgd(&of), &store()).unwrap_err().to_string();
            let expected = format!(
                "`optimizer` must be built from variables in `pipeline.var_store()`, got {size} unrelated variables"
            );
            assert!(error.contains(&expected), "{error}");
        }
        let frozen = VarStore::new(Device::Cpu);
        assert!(Held::of(&sgd(&frozen), &frozen).is_err());
    }

    #[test]
    fn libtorchs_words_are_read_from_the_panic() {
        let answer = || -> Result<(), TchError> { Err(TchError::Torch("a \"quoted\" word\nand a line".to_owned())) };
        let panicked = catch_unwind(|| answer().unwrap());
        assert_eq!(refused(panicked.unwrap_err().as_ref()).to_string(), "libtorch: a \"quoted\" word\nand a line");
        assert_eq!(refused(&"a literal").to_string(), "libtorch: the optimizer panicked");
    }
}
