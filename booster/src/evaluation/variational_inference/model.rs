//! What a model with latent variables is.

use tch::Tensor;

use super::{AuxiliaryLosses, Latents};
use crate::batch::Batch;
use crate::distributions::Distribution;
use crate::error::Result;
use crate::evaluation::{Labeled, Mode};

/// A batch that holds what a generative model is to explain.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what is observed",
    label = "nothing observed",
    note = "a `Tensor` and `Labeled` do",
    note = "for a batch of your own, implement `booster::evaluation::Observed`: give the tensor whose likelihood counts"
)]
pub trait Observed: Batch {
    /// The observed: `[batch, *dims]`.
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

/// A model with latent variables, its approximate posterior included: a variational auto-encoder, say.
///
/// It asks `latents` for each of its stochastic layers in turn, from the one that the prior draws first. A latent has a
/// row for each importance sample of each sample, `[batch * importance_samples, *dims]`; so has all that follows from
/// it. What is computed of the batch alone, as the posterior of the first layer, has a row for each sample.
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
    message = "`{Self}` is not a model with latent variables",
    label = "not a model with latent variables",
    note = "implement `booster::evaluation::LatentVariableModel`: draw the latents, give the likelihood of the observed"
)]
pub trait LatentVariableModel: Send + 'static {
    /// What it is given: a [`Tensor`] `[batch, *dims]`, or a struct that holds one.
    type Batch: Observed;
    /// The distribution of the observed given the latents: [`Bernoulli`](crate::distributions::Bernoulli),
    /// [`Normal`](crate::distributions::Normal), or one of your own.
    type Likelihood: Distribution + Batch;
    /// Further losses of the model's own; `()` for none.
    type Auxiliary: AuxiliaryLosses;

    /// Draws the latents and gives the likelihood, of values `[batch * importance_samples, *dims]`, beside auxiliary
    /// losses.
    ///
    /// # Errors
    /// The model's own.
    fn infer(
        &self,
        batch: &Self::Batch,
        latents: &mut Latents,
        mode: Mode,
    ) -> Result<(Self::Likelihood, Self::Auxiliary)>;
}
