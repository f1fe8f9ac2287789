//! A copy of the model whose variables follow the master's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::nn::{Path, VarStore};
use tch::{Device, Tensor};

use super::gradients::{Addition, Gradients, sent_together, take_gradients};
use super::pairs::{named, pairs};
use super::sync::VariableSync;
use crate::error::Result;
use crate::panic::catch_panic;

/// A model on a device. The first replica is the master: its variables are the pipeline's.
#[derive(Debug)]
pub(super) struct Replica<M> {
    pub(super) device: Device,
    /// Whether that is the master's.
    is_near: bool,
    /// Shared with the replica's thread while it evaluates.
    model: Arc<Mutex<M>>,
    /// Its variables, each once, in the order of their names: the same in all replicas.
    variables: Vec<Tensor>,
    /// How they follow the master's; none for the master.
    syncs: Vec<VariableSync>,
}

impl<M> Replica<M> {
    /// The pipeline's own model.
    pub(super) fn master(model: M, store: &VarStore) -> Self {
        let variables = named(store).into_iter().map(|(_, variable)| variable).collect();
        Self { device: store.device(), is_near: true, model: Arc::new(Mutex::new(model)), variables, syncs: Vec::new() }
    }

    /// Builds another model like the master's.
    pub(super) fn build(
        device: Device,
        model: impl for<'p> Fn(&'p Path<'p>) -> Result<M>,
        master: &VarStore,
    ) -> Result<Self> {
        Self::paired(device, model, master, device == master.device())
    }

    fn paired(
        device: Device,
        model: impl for<'p> Fn(&'p Path<'p>) -> Result<M>,
        master: &VarStore,
        is_near: bool,
    ) -> Result<Self> {
        let store = VarStore::new(device);
        let model = catch_panic(|| model(&store.root()))?;
        let syncs = pairs(master, &store, is_near)?;
        let variables = syncs.iter().map(|sync| sync.replica.shallow_clone()).collect();
        Ok(Self { device, is_near, model: Arc::new(Mutex::new(model)), variables, syncs })
    }

    /// The model. Nobody else has it between two evaluations.
    pub(super) fn model(&self) -> MutexGuard<'_, M> {
        // Evaluation takes the model by reference, so a panic cannot leave it half-updated.
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The model, if no thread evaluates it.
    pub(super) fn into_model(self) -> Option<M> {
        Arc::into_inner(self.model).map(|model| model.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another handle to the model, for the replica's thread.
    pub(super) fn share_model(&self) -> Arc<Mutex<M>> {
        Arc::clone(&self.model)
    }

    /// Does something to all variables that follow the master's. The first error is the result.
    pub(super) fn each(&mut self, mut work: impl FnMut(&mut VariableSync) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        for sync in &mut self.syncs {
            let done = work(sync);
            outcome = outcome.and(done);
        }
        outcome
    }

    /// Buffers may have been written without a count, as libtorch's batch norm does where the model says that it trains,
    /// whatever the mode of the evaluation.
    pub(super) fn invalidate_buffers(&mut self) {
        self.syncs.iter_mut().filter(|sync| sync.is_buffer).for_each(VariableSync::invalidate);
    }

    /// Takes the gradients out of the replica's variables.
    pub(super) fn take_gradients(&mut self) -> Result<Gradients> {
        take_gradients(&mut self.variables)
    }

    /// What is to be added to the master's gradients, on its device.
    pub(super) fn additions<N>(&self, gradients: Gradients, master: &Replica<N>) -> Result<Vec<Addition>> {
        let Gradients { of, tensors } = gradients;
        let tensors = if self.is_near { tensors } else { sent_together(&tensors, master.device)? };
        let addition = |(index, gradient): (usize, Tensor)| Addition {
            index,
            master: master.variables[index].shallow_clone(),
            gradient,
        };
        Ok(of.into_iter().zip(tensors).map(addition).collect())
    }
}

#[cfg(test)]
#[path = "replica_tests.rs"]
mod tests;
