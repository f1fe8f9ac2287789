//! Auxiliary losses of a latent variable model.

use std::fmt;

use tch::Tensor;

use crate::diagnostic::Diagnostic;
use crate::error::Result;

/// Additional losses of a model, measured as diagnostics and weighted by name.
///
/// The diagnostics report these losses alongside `elbo`, `nll` and `kl`. A loss with the same group and name as another
/// diagnostic is a compile error.
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
///     kl: Tensor, // already defined
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
    note = "for your own struct of losses, derive `Diagnostic` and implement `booster::evaluation::AuxiliaryLosses`",
    note = "for a model without auxiliary losses, use `()`"
)]
pub trait AuxiliaryLosses: Diagnostic {
    /// The weight of each loss, in fields that a schedule can change.
    type Weights: Clone + Default + fmt::Debug + Send + 'static;

    /// Computes the weighted sum of the losses, whose mean is added to the loss.
    ///
    /// The sum has shape `[batch, *dims]` or is 0-dimensional. Returns `None` if there is nothing to add.
    ///
    /// # Errors
    /// Returns an error if the computation fails.
    fn weighted(&self, weights: &Self::Weights) -> Result<Option<Tensor>>;
}

impl AuxiliaryLosses for () {
    type Weights = ();

    fn weighted(&self, (): &()) -> Result<Option<Tensor>> {
        Ok(None)
    }
}
