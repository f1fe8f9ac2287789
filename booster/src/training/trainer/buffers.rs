//! Copies of a model's buffers, to undo a skipped step.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use booster_sys::identity::identity;
use tch::nn::{VarStore, Variables};
use tch::{Tensor, no_grad};

use crate::error::Result;

/// Copies of buffers, such as batch norm statistics, from before the first batch of a window.
#[derive(Default)]
pub(super) struct Buffers(Vec<Kept>);

/// The buffers of one store, each with a copy of its value.
struct Kept {
    store: Arc<Mutex<Variables>>,
    values: Vec<(Tensor, Tensor)>,
}

impl Buffers {
    /// Copies the buffers of a store, unless the window already has copies.
    pub(super) fn keep(&mut self, store: &VarStore) -> Result<()> {
        if self.0.iter().any(|kept| Arc::ptr_eq(&kept.store, &store.variables_)) {
            return Ok(());
        }
        let variables = store.variables_.lock().unwrap_or_else(PoisonError::into_inner);
        let trainable = variables.trainable_variables.iter().map(|variable| identity(&variable.tensor));
        let trainable = trainable.collect::<HashSet<_>>();
        let buffers = variables.named_variables.values().filter(|variable| !trainable.contains(&identity(variable)));
        let values = buffers
            .map(|buffer| Ok((buffer.shallow_clone(), buffer.f_detach()?.f_to_dtype(buffer.f_kind()?, false, true)?)));
        let values = values.collect::<Result<_>>()?;
        self.0.push(Kept { store: Arc::clone(&store.variables_), values });
        Ok(())
    }

    /// Discards the copies, so that the window's changes stay.
    pub(super) fn invalidate(&mut self) {
        self.0.clear();
    }

    /// Restores the buffers to their values from before the window.
    pub(super) fn restore(&mut self) -> Result<()> {
        for (mut buffer, before) in self.0.drain(..).flat_map(|kept| kept.values) {
            no_grad(|| buffer.f_copy_(&before))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Buffers").field(&self.0.len()).finish()
    }
}
