//! Losses that a model adds to the bound.

use std::fmt;

use tch::Tensor;

use crate::diagnostic::Diagnostic;
use crate::error::Result;

/// Further losses of a model: measured as diagnostics, weighted by name.
///
/// They are fields beside `elbo`, `nll` and `kl`: one of the same group and name does not compile, so that none is
/// overwritten.
///
/// ```
/// use booster::evaluation::AuxiliaryLosses;
/// use booster::prelude::*;
/// use booster::tch::Tensor;
///
/// #[derive(Diagnostic)]
/// struct Quantized {
///     #[group = "loss"]
///     commitment: Tensor, // [batch]
/// }
///
/// #[derive(Clone, Debug)]
/// struct QuantizedWeights { commitment: f64 }
///
/// impl Default for QuantizedWeights {
///     fn default() -> Self {
///         Self { commitment: 0.25 }
///     }
/// }
///
/// impl AuxiliaryLosses for Quantized {
///     type Weights = QuantizedWeights;
///
///     fn weighted(&self, weights: &QuantizedWeights) -> booster::Result<Option<Tensor>> {
///         Ok(Some(self.commitment.try_mul_scalar(weights.commitment)?))
///     }
/// }
/// ```
///
/// ```compile_fail,E0080
/// # use booster::distributions::Bernoulli;
/// # use booster::evaluation::{AuxiliaryLosses, LatentVariableModel, Latents, VariationalInference};
/// # use booster::prelude::*;
/// # use booster::tch::{Device, Tensor};
/// #[derive(Diagnostic)]
/// struct Overwrites {
///     #[group = "loss"]
///     kl: Tensor, // is there already
/// }
/// # impl AuxiliaryLosses for Overwrites {
/// #     type Weights = ();
/// #     fn weighted(&self, _: &()) -> booster::Result<Option<Tensor>> { Ok(None) }
/// # }
/// # struct Model;
/// # impl LatentVariableModel for Model {
/// #     type Batch = Tensor;
/// #     type Likelihood = Bernoulli;
/// #     type Auxiliary = Overwrites;
/// #     fn infer(&self, x: &Tensor, _: &mut Latents, _: Mode) -> booster::Result<(Bernoulli, Overwrites)> {
/// #         Ok((Bernoulli::from_logits(x)?, Overwrites { kl: x.shallow_clone() }))
/// #     }
/// # }
/// # fn main() {
/// # let x = Tensor::from_slice(&[0.0f32]);
/// // Model's auxiliary losses are `Overwrites`.
/// let mut pipeline = Pipeline::build(Device::Cpu, |_| Model, VariationalInference::new());
/// let _ = pipeline.evaluate(&x, Mode::Eval);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of auxiliary losses",
    label = "not auxiliary losses",
    note = "for a struct of losses of your own, derive `Diagnostic` and implement `booster::evaluation::AuxiliaryLosses`",
    note = "where there are none, use `()`"
)]
pub trait AuxiliaryLosses: Diagnostic {
    /// A weight for each loss, as fields that a schedule can change.
    type Weights: Clone + Default + fmt::Debug + Send + 'static;

    /// The weighted sum of the losses: `[batch, *dims]`, whose mean is added to the loss, or 0-dimensional; `None`
    /// where there is nothing to add.
    ///
    /// # Errors
    /// The model's own.
    fn weighted(&self, weights: &Self::Weights) -> Result<Option<Tensor>>;
}

impl AuxiliaryLosses for () {
    type Weights = ();

    fn weighted(&self, (): &()) -> Result<Option<Tensor>> {
        Ok(None)
    }
}
