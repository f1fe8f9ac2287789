//! Optimizer steps by libtorch's fused kernels.
//!
//! A step updates all parameters that have a gradient, which may differ in kind, device and strides, and increments
//! their version counters. It does not synchronize devices.

use std::fmt;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use crate::ffi::{self, CAdam, CParameters, CSgd};

/// The parameters of a step with their state.
#[derive(Debug)]
pub struct Parameters<'a> {
    /// The parameters, without duplicates.
    pub parameters: &'a mut [Tensor],
    /// The columns of the state, each with one tensor per parameter. An undefined tensor is the state before the first
    /// step, and is replaced.
    pub states: &'a mut [Vec<Tensor>],
    /// The numbers of steps taken, one 0-dimensional float tensor per parameter, undefined before its first step.
    pub steps: &'a mut [Tensor],
    /// The divisor of the gradients, a 0-dimensional tensor.
    pub grad_scale: Option<&'a Tensor>,
    /// Whether to skip the step: a 0-dimensional tensor that is 1 to skip it and 0 otherwise.
    pub found_inf: Option<&'a Tensor>,
}

/// Adam (Kingma and Ba, 2015, arXiv 1412.6980), or AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101) if
/// `decoupled`.
///
/// The columns are the mean of the gradients, the mean of their squares and, with `amsgrad`, the maximum of the latter.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// The step size.
    pub learning_rate: f64,
    /// The decay rates of the two means.
    pub betas: (f64, f64),
    /// The weight decay.
    pub weight_decay: f64,
    /// The term added to the denominator for numerical stability.
    pub epsilon: f64,
    /// Whether the weight decay is decoupled from the gradient, as in AdamW.
    pub decoupled: bool,
    /// Whether the denominator uses the maximum of the means of squares so far.
    pub amsgrad: bool,
}

/// Stochastic gradient descent. The one column, present unless `momentum` is 0, is the momentum buffer.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// The step size.
    pub learning_rate: f64,
    /// The decay rate of the momentum buffer.
    pub momentum: f64,
    /// The share of each gradient after the first that is not added to the buffer.
    pub dampening: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// Whether to use Nesterov momentum.
    pub nesterov: bool,
}

/// The error of an optimizer step that libtorch rejected.
#[derive(Debug)]
pub struct Refused {
    /// The index of the parameter that cannot be stepped, if known. In that case, no parameter has changed.
    pub parameter: Option<usize>,
    /// The reason.
    pub error: TchError,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl std::error::Error for Refused {}

/// Takes a step of Adam or AdamW.
///
/// # Errors
/// Returns [`Refused`] if a gradient is sparse, a parameter has a kind that the kernels do not support, or a state's
/// shape differs from its parameter's.
pub fn adam(rule: &Adam, mut parameters: Parameters<'_>) -> Result<(), Refused> {
    let (beta1, beta2) = rule.betas;
    let Adam { learning_rate, weight_decay, epsilon, .. } = *rule;
    let (decoupled, amsgrad) = (rule.decoupled.into(), rule.amsgrad.into());
    let rule = CAdam { learning_rate, beta1, beta2, weight_decay, epsilon, decoupled, amsgrad };
    let width = if amsgrad == 0 { 2 } else { 3 };
    // SAFETY: `step` passes pointers to live, mutably borrowed tensors, with their correct counts.
    step(&mut parameters, width, |parameters, culprit| unsafe {
        ffi::booster_fused_adam(&raw const rule, parameters, culprit)
    })
}

/// Takes a step of stochastic gradient descent.
///
/// With dampening, `found_inf` must not be set before the momentum buffers exist.
///
/// # Errors
/// Returns [`Refused`] under the same conditions as [`adam`].
pub fn sgd(rule: &Sgd, mut parameters: Parameters<'_>) -> Result<(), Refused> {
    let Sgd { learning_rate, momentum, dampening, weight_decay, nesterov } = *rule;
    let rule = CSgd { learning_rate, momentum, dampening, weight_decay, nesterov: nesterov.into() };
    let width = usize::from(momentum != 0.0);
    // SAFETY: as in `adam`.
    step(&mut parameters, width, |parameters, culprit| unsafe {
        ffi::booster_fused_sgd(&raw const rule, parameters, culprit)
    })
}

fn step(
    all: &mut Parameters<'_>,
    width: usize,
    kernel: impl FnOnce(*const CParameters, *mut usize) -> *mut std::ffi::c_char,
) -> Result<(), Refused> {
    let count = all.parameters.len();
    if all.steps.len() != count || all.states.len() != width || all.states.iter().any(|column| column.len() != count) {
        let error = TchError::Torch(format!("expected {width} states and a step count for each of {count} parameters"));
        return Err(Refused { parameter: None, error });
    }
    let parameters = pointers(all.parameters.iter_mut());
    let states = pointers(all.states.iter_mut().flatten());
    let steps = pointers(all.steps.iter_mut());
    let optional = |tensor: Option<&Tensor>| tensor.map_or(std::ptr::null(), Tensor::as_ptr);
    let passed = CParameters {
        parameters: parameters.as_ptr(),
        states: states.as_ptr(),
        steps: steps.as_ptr(),
        count,
        width,
        grad_scale: optional(all.grad_scale),
        found_inf: optional(all.found_inf),
    };
    let mut culprit = usize::MAX;
    let message = kernel(&raw const passed, &raw mut culprit);
    // SAFETY: the kernel call returned `message`, which is not used afterwards.
    let outcome = unsafe { ffi::checked(message) };
    outcome.map_err(|error| Refused { parameter: Some(culprit).filter(|&index| index < count), error })
}

fn pointers<'a>(tensors: impl Iterator<Item = &'a mut Tensor>) -> Vec<*mut C_tensor> {
    tensors.map(Tensor::as_mut_ptr).collect()
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    const ADAM: Adam = Adam {
        learning_rate: 0.1,
        betas: (0.9, 0.99),
        weight_decay: 0.1,
        epsilon: 1e-8,
        decoupled: true,
        amsgrad: true,
    };

    fn undefined(count: usize) -> Vec<Tensor> {
        std::iter::repeat_with(Tensor::new).take(count).collect()
    }

    /// Returns the arguments of a step without `grad_scale` and `found_inf`.
    fn unscaled<'a>(
        parameters: &'a mut [Tensor],
        states: &'a mut [Vec<Tensor>],
        steps: &'a mut [Tensor],
    ) -> Parameters<'a> {
        Parameters { parameters, states, steps, grad_scale: None, found_inf: None }
    }

    /// Returns a parameter with these strides, whose gradient equals its values.
    fn parameter(kind: Kind, strides: &[i64]) -> Tensor {
        let values = Tensor::arange(24, (kind, Device::Cpu)).as_strided([2, 3], strides, None).set_requires_grad(true);
        values.square().sum(kind).f_div_scalar(2.0).unwrap().backward();
        values
    }

    #[test]
    fn strides_kinds_and_parameters_without_gradients_do_not_matter() {
        let strides: [&[i64]; 4] = [&[3, 1], &[1, 2], &[6, 2], &[12, 4]];
        for strides in strides {
            let mut parameters = vec![
                parameter(Kind::Double, strides),
                Tensor::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true),
                parameter(Kind::Float, &[3, 1]),
            ];
            let before = parameters[0].detach().copy();
            let version = crate::identity::version(&parameters[0]);
            let mut states = vec![undefined(3), undefined(3), undefined(3)];
            let mut steps = undefined(3);
            let all = unscaled(&mut parameters, &mut states, &mut steps);
            adam(&ADAM, all).unwrap();
            // Adam's first step is the sign of the gradient times the learning rate.
            let expected = tch::no_grad(|| &before * (1.0 - 0.01) - before.sign() * 0.1);
            assert!(parameters[0].allclose(&expected, 1e-6, 1e-6, false), "{strides:?}");
            assert_eq!(parameters[1], Tensor::ones([2], (Kind::Float, Device::Cpu)));
            assert!(!states[0][1].defined() && !steps[1].defined());
            assert_eq!(steps[0], Tensor::from(1f32));
            assert!(crate::identity::version(&parameters[0]) > version);
        }
    }

    #[test]
    fn a_step_on_what_is_not_finite_leaves_no_trace_and_a_scale_is_divided_out() {
        let take = |grad_scale: f32, found_inf: f32| {
            let mut parameters = vec![parameter(Kind::Float, &[3, 1])];
            let (mut states, mut steps) = (vec![undefined(1)], undefined(1));
            let (grad_scale, found_inf) = (Tensor::from(grad_scale), Tensor::from(found_inf));
            let all = Parameters {
                grad_scale: Some(&grad_scale),
                found_inf: Some(&found_inf),
                ..unscaled(&mut parameters, &mut states, &mut steps)
            };
            let rule = Sgd { learning_rate: 0.5, momentum: 0.9, dampening: 0.0, weight_decay: 0.0, nesterov: false };
            sgd(&rule, all).unwrap();
            (parameters.remove(0).detach(), states.remove(0).remove(0), steps.remove(0))
        };
        let values = Tensor::arange(6, (Kind::Float, Device::Cpu)).reshape([2, 3]);
        let (parameter, state, steps) = take(2.0, 1.0);
        assert_eq!((parameter, state, steps.double_value(&[])), (values.copy(), values.zeros_like(), 0.0));
        let (parameter, state, steps) = take(2.0, 0.0);
        assert_eq!((parameter, state, steps.double_value(&[])), (&values * 0.75, &values * 0.5, 1.0));
    }

    #[test]
    fn a_refusal_names_the_parameter_and_changes_nothing() {
        let mut parameters = vec![parameter(Kind::Float, &[3, 1]), parameter(Kind::Float, &[3, 1])];
        let before = parameters[0].detach().copy();
        let mut states =
            vec![undefined(2), undefined(2), vec![Tensor::new(), Tensor::zeros([5], (Kind::Float, Device::Cpu))]];
        let mut steps = undefined(2);
        let all = unscaled(&mut parameters, &mut states, &mut steps);
        let refused = adam(&ADAM, all).unwrap_err();
        assert_eq!(refused.parameter, Some(1));
        assert!(refused.to_string().contains("expected a state of shape [2, 3], got [5]"), "{refused}");
        assert_eq!(parameters[0].detach(), before);
    }
}
