//! A copy of the model, kept in sync with the master.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::nn::{Path, VarStore};
use tch::{Device, Tensor};

use super::gradients::{Addition, Gradients, sent_together, take_gradients};
use super::pairs::{named, pairs};
use super::sync::VariableSync;
use crate::error::Result;
use crate::panic::catch_panic;

/// A copy of the model on a device. The first replica is the master, whose variables are the pipeline's.
#[derive(Debug)]
pub(super) struct Replica<M> {
    pub(super) device: Device,
    /// Whether this is the master's device.
    is_near: bool,
    /// Shared with the replica's thread during an evaluation.
    model: Arc<Mutex<M>>,
    /// Each variable once, in order of name: the same order in all replicas.
    variables: Vec<Tensor>,
    /// The synchronization of each variable with the master's; empty for the master.
    syncs: Vec<VariableSync>,
}

impl<M> Replica<M> {
    /// Creates the master from the pipeline's own model.
    pub(super) fn master(model: M, store: &VarStore) -> Self {
        let variables = named(store).into_iter().map(|(_, variable)| variable).collect();
        Self { device: store.device(), is_near: true, model: Arc::new(Mutex::new(model)), variables, syncs: Vec::new() }
    }

    /// Builds a replica of the master.
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

    /// Locks the model. The lock is uncontended between evaluations.
    pub(super) fn model(&self) -> MutexGuard<'_, M> {
        // Evaluation takes the model by reference, so a panic cannot leave it half-updated.
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the model, unless a thread is evaluating it.
    pub(super) fn into_model(self) -> Option<M> {
        Arc::into_inner(self.model).map(|model| model.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns another handle to the model, for the replica's thread.
    pub(super) fn share_model(&self) -> Arc<Mutex<M>> {
        Arc::clone(&self.model)
    }

    /// Applies `work` to all variables that follow the master's, and returns the first error.
    pub(super) fn each(&mut self, mut work: impl FnMut(&mut VariableSync) -> Result<()>) -> Result<()> {
        let mut outcome = Ok(());
        for sync in &mut self.syncs {
            let done = work(sync);
            outcome = outcome.and(done);
        }
        outcome
    }

    /// Marks buffers as stale. Batch norm updates its statistics without bumping their version whenever the model
    /// passes `train = true`, whatever the mode of the evaluation.
    pub(super) fn invalidate_buffers(&mut self) {
        self.syncs.iter_mut().filter(|sync| sync.is_buffer).for_each(VariableSync::invalidate);
    }

    pub(super) fn take_gradients(&mut self) -> Result<Gradients> {
        take_gradients(&mut self.variables)
    }

    /// Turns gradients into additions to the master's, on the master's device.
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
