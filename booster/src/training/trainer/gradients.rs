//! Gradients of an optimizer's variables.

use std::collections::HashSet;

use booster_sys::identity::identity;
use booster_sys::scalar::{ScalarOps as _, full};
use booster_sys::{foreach, gradient};
use tch::{Kind, Tensor};

use crate::device::to_device_and_kind;
use crate::error::Result;

/// A limit on gradients, applied before the optimizer steps.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clip {
    Norm(f64),
    Value(f64),
}

/// Moves the gradients out of variables, one per variable: [undefined](Tensor::defined) if the variable has none or is
/// a duplicate.
pub(super) fn take(variables: &mut [Tensor]) -> Result<Vec<Tensor>> {
    let take = |variable: &mut Tensor| {
        let gradient = variable.f_grad()?;
        if gradient.defined() {
            gradient::set(variable, None)?;
        }
        Ok(gradient)
    };
    variables.iter_mut().map(take).collect()
}

/// Sets the variables' gradients, converted to each variable's kind and device, and clears the gradients of variables
/// for which `gradients` has none. Returns whether any variable with a gradient is frozen.
pub(super) fn put(variables: &mut [Tensor], gradients: &[Tensor]) -> Result<bool> {
    // Other code, such as another trainer, may have left gradients since the last batch.
    let _others = take(variables)?;
    let mut any_frozen = false;
    for (variable, gradient) in variables.iter_mut().zip(gradients).filter(|(_, gradient)| gradient.defined()) {
        let own = to_device_and_kind(gradient, variable.device(), variable.f_kind()?)?;
        gradient::set(variable, Some(&own))?;
        any_frozen |= !variable.requires_grad();
    }
    Ok(any_frozen)
}

/// Returns the defined gradients, counting duplicate variables once.
pub(super) fn present(variables: &[Tensor]) -> Result<Vec<Tensor>> {
    let mut seen = HashSet::with_capacity(variables.len());
    let mut gradients = Vec::with_capacity(variables.len());
    for variable in variables.iter().filter(|variable| seen.insert(identity(variable))) {
        let gradient = variable.f_grad()?;
        if gradient.defined() {
            gradients.push(gradient);
        }
    }
    Ok(gradients)
}

/// Clips gradients and returns their norm before clipping. Without gradients, the norm is 0, on the device of `beside`.
pub(super) fn clip(gradients: &mut [Tensor], clip: Option<Clip>, beside: &Tensor) -> Result<Tensor> {
    if gradients.is_empty() {
        return Ok(full([0_i64; 0], 0.0, (Kind::Float, beside.device()))?);
    }
    let norm = foreach::global_norm(gradients)?;
    match clip {
        // Same formula as PyTorch's `clip_grad_norm_`.
        Some(Clip::Norm(most)) => {
            let factor = norm.try_add_scalar(1e-6)?.f_reciprocal()?.try_mul_scalar(most)?.try_clamp_max(1.0)?;
            foreach::multiply(gradients, &factor)?;
        }
        Some(Clip::Value(most)) => foreach::clamp(gradients, most)?,
        None => {}
    }
    Ok(norm)
}
