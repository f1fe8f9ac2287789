//! Evaluators with parameters of every kind.

use ::booster::tch::{Tensor, nn::ModuleT};

/// What a schedule gives.
pub trait Schedule {
    /// What it needs.
    type Step;

    /// The value at a step.
    fn at(&self, step: &Self::Step) -> f64;
}

/// Types, constants and associated types.
#[::booster::evaluator]
pub fn scheduled<M, S: Schedule, const N: usize>(
    model: &M,
    batch: &[Tensor; N],
    mode: ::booster::Mode,
    /// Lent.
    #[param]
    schedule: &S,
    /// Of an associated type.
    #[param]
    step: S::Step,
) -> ::booster::Result<Tensor>
where
    M: ModuleT,
    S::Step: ::core::fmt::Debug,
{
    /// The output.
    #[output]
    let outputs: [Tensor; N] = ::core::array::from_fn(|index| model.forward_t(&batch[index], mode.is_train()));
    /// The factor.
    #[group = "info"]
    #[metric(last)]
    let factor: f64 = schedule.at(&step);
    ::core::result::Result::Ok(outputs[0].f_mul_scalar(factor)?)
}
