//! Checking an optimizer's variables against a pipeline's.

use std::collections::HashSet;
use std::sync::PoisonError;

use booster_sys::identity::identity;
use tch::Tensor;
use tch::nn::VarStore;

use super::Optimizer;
use crate::error::{Error, Result};

/// The variables of an optimizer.
#[derive(Debug)]
pub(crate) struct Held {
    /// In the optimizer's order; variables with several names are repeated.
    pub(crate) variables: Vec<Tensor>,
    /// Whether they include every trainable variable of the pipeline.
    pub(crate) are_all: bool,
}

impl Held {
    /// Collects an optimizer's variables. Returns [`Error::Mismatch`] if none of them belongs to the pipeline.
    pub(crate) fn of(optimizer: &impl Optimizer, pipeline: &VarStore) -> Result<Self> {
        let variables = optimizer.parameters();
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
        match variables.len() {
            1 => "1 unrelated variable".to_owned(),
            count => format!("{count} unrelated variables"),
        },
    )
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

    fn sgd(store: &VarStore) -> nn::Optimizer {
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
}
