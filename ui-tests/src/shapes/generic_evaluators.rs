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

/// A parameter that a field mentions.
#[::booster::evaluator(name = Annealed)]
pub fn of_schedule<S: Schedule>(
    _: &(),
    batch: &Tensor,
    _: ::booster::Mode,
    /// The schedule.
    #[param]
    schedule: &S,
    /// A step of it.
    #[param]
    step: &S::Step,
) -> ::booster::Result<Tensor> {
    /// The factor.
    #[group = "info"]
    let factor: f64 = schedule.at(step);
    ::core::result::Result::Ok(batch.f_mul_scalar(factor)?)
}

/// Written as a struct under its own name.
pub fn annealed<S: Schedule>(schedule: S, step: S::Step) -> Annealed<S> {
    Annealed { schedule, step }
}

/// Measured under that name.
#[must_use]
pub fn factor(diagnostics: &AnnealedDiagnostics) -> f64 {
    diagnostics.factor
}
