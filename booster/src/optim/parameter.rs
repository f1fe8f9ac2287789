//! Trainable parameters of a store, with their names.

use std::collections::HashMap;
use std::sync::PoisonError;

use booster_sys::identity::identity;
use tch::Tensor;
use tch::nn::VarStore;

/// A trainable parameter.
#[derive(Debug)]
pub struct Parameter {
    name: String,
    tensor: Tensor,
}

impl Parameter {
    /// Returns the name in the [`VarStore`], such as `encoder.0.weight`. If there are several, returns the first in
    /// alphabetical order.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Returns the number of dimensions: 0 for scalars, 1 for biases and the scales of norms, 2 for the weights of
    /// linear layers.
    pub fn rank(&self) -> usize {
        self.tensor.dim()
    }

    /// Splits the parameter into its name and tensor.
    pub(super) fn into_parts(self) -> (String, Tensor) {
        (self.name, self.tensor)
    }
}

/// Returns the trainable parameters of a store, each once, in order of creation.
pub(super) fn trainable(store: &VarStore) -> Vec<Parameter> {
    let variables = store.variables_.lock().unwrap_or_else(PoisonError::into_inner);
    let mut names = HashMap::new();
    for (name, tensor) in &variables.named_variables {
        let first: &mut &String = names.entry(identity(tensor)).or_insert(name);
        *first = name.min(first);
    }
    let with_name = |tensor: &Tensor| Some((names.remove(&identity(tensor))?.clone(), tensor.shallow_clone()));
    let tensors = variables.trainable_variables.iter().map(|variable| &variable.tensor);
    tensors.filter_map(with_name).map(|(name, tensor)| Parameter { name, tensor }).collect()
}
