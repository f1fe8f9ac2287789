//! Latent variable models.

use tch::Tensor;

use super::{AuxiliaryLosses, Latents};
use crate::batch::Batch;
use crate::distributions::Distribution;
use crate::error::Result;
use crate::evaluation::{Labeled, Mode};

/// A batch of observed data for a generative model.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no observed data",
    label = "`Observed` is not implemented",
    note = "`Tensor` and `Labeled` implement it",
    note = "for a batch of your own, implement `booster::evaluation::Observed`: return the tensor to model"
)]
pub trait Observed: Batch {
    /// Returns the observed data: `[batch, *dims]`.
    fn observed(&self) -> &Tensor;
}

impl Observed for Tensor {
    fn observed(&self) -> &Tensor {
        self
    }
}

impl Observed for Labeled {
    fn observed(&self) -> &Tensor {
        &self.input
    }
}

/// A latent variable model and its approximate posterior, such as a variational autoencoder.
///
/// The model draws its stochastic layers from `latents` in the order of the generative model. A latent has one row per
/// importance sample of each sample, `[batch * importance_samples, *dims]`, and so does everything computed from it.
/// Tensors computed from the batch alone, such as the posterior of the first layer, have one row per sample.
///
/// ```
/// use booster::distributions::{Bernoulli, Distribution, Likelihood, Normal};
/// use booster::evaluation::{LatentVariableModel, Latents, Mode};
/// use booster::tch::{Tensor, nn, nn::Module};
///
/// /// Two layers: z2 ~ N(0, 1), z1 ~ p(z1 | z2), x ~ p(x | z1).
/// struct Ladder { to_z2: nn::Linear, to_z1: nn::Linear, z2_to_z1: nn::Linear, to_x: nn::Linear }
///
/// impl LatentVariableModel for Ladder {
///     type Batch = Tensor;
///     type Likelihood = Bernoulli;
///     type Auxiliary = ();
///
///     fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(Bernoulli, ())> {
///         let q2 = Normal::from_parameters(&self.to_z2.forward(x))?;   // [batch, z2]
///         let z2 = latents.sample(&q2, &q2.standard()?)?;              // [batch * importance_samples, z2]
///         let p1 = Normal::from_parameters(&self.z2_to_z1.forward(&z2))?;
///         let q1 = Normal::from_parameters(&self.to_z1.forward(x))?;   // [batch, z1]
///         let z1 = latents.sample(&q1, &p1)?;
///         Ok((Bernoulli::from_logits(&self.to_x.forward(&z1))?, ()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a latent variable model",
    label = "not a latent variable model",
    note = "implement `booster::evaluation::LatentVariableModel`: draw the latents, return the likelihood of the data"
)]
pub trait LatentVariableModel: Send + 'static {
    /// The model's batch: a [`Tensor`] `[batch, *dims]`, or a struct that holds one.
    type Batch: Observed;
    /// The distribution of the data given the latents: [`Bernoulli`](crate::distributions::Bernoulli),
    /// [`Normal`](crate::distributions::Normal), or one of your own.
    type Likelihood: Distribution + Batch;
    /// The model's auxiliary losses, or `()`.
    type Auxiliary: AuxiliaryLosses;

    /// Draws the latents and returns the likelihood of values `[batch * importance_samples, *dims]`, with any auxiliary
    /// losses.
    ///
    /// # Errors
    /// Returns an error if the model fails.
    fn infer(
        &self,
        batch: &Self::Batch,
        latents: &mut Latents,
        mode: Mode,
    ) -> Result<(Self::Likelihood, Self::Auxiliary)>;
}
