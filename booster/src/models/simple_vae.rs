//! A fully connected variational autoencoder.

use std::fmt;
use std::marker::PhantomData;

use tch::{Device, Kind, Tensor, nn};

use crate::batch::FieldPath;
use crate::distributions::{Likelihood, Normal};
use crate::error::Result;
use crate::evaluation::{LatentVariableModel, Latents, Mode};
use crate::kind::summing_kind;

/// The sizes of a [`SimpleVae`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleVaeConfig {
    /// The widths of the encoder's hidden layers; the decoder uses them in reverse order.
    pub hidden: Vec<i64>,
    /// The number of latent variables.
    pub latent: i64,
}

impl Default for SimpleVaeConfig {
    /// Returns the sizes of a model with two hidden layers of width 512 and 32 latent variables.
    fn default() -> Self {
        Self { hidden: vec![512, 512], latent: 32 }
    }
}

/// A fully connected variational autoencoder with a normal posterior and a standard normal prior (Kingma and Welling,
/// 2013, arXiv 1312.6114).
///
/// The data is `[batch, channels, *dims]`, or `[batch]`, and has the likelihood `L`:
/// [`Bernoulli`](crate::distributions::Bernoulli) for binary values, [`Normal`] for others.
///
/// ```
/// use booster::distributions::{Bernoulli, Distribution};
/// use booster::models::{SimpleVae, SimpleVaeConfig};
/// use booster::tch::{Device, nn};
///
/// # fn main() -> booster::Result<()> {
/// let variables = nn::VarStore::new(Device::Cpu);
/// let config = SimpleVaeConfig { hidden: vec![128], latent: 10 };
/// let vae = SimpleVae::<Bernoulli>::new(&variables.root(), &[1, 8, 8], &config);
/// let images = vae.sample_from_prior(16)?.mean()?;
/// assert_eq!(images.size(), [16, 1, 8, 8]);
/// # Ok(())
/// # }
/// ```
pub struct SimpleVae<L> {
    encoder: Mlp,
    decoder: Mlp,
    latent: i64,
    /// Whether samples are scalars, `[batch]`.
    single: bool,
    /// The shape of the likelihood parameters of a sample.
    decoded: Vec<i64>,
    likelihood: PhantomData<fn() -> L>,
}

impl<L: Likelihood> SimpleVae<L> {
    /// Creates a model for samples of shape `[channels, *dims]` (`[values]` for vectors, `[]` for scalars).
    ///
    /// Weights are initialized at random with libtorch's generator.
    ///
    /// # Panics
    /// Panics if a size is less than 1, as tch's layers do.
    pub fn new(path: &nn::Path<'_>, observed: &[i64], config: &SimpleVaeConfig) -> Self {
        let values = observed.iter().product::<i64>();
        let decoded = match observed {
            // A channel dimension that `decode` removes.
            [] => vec![L::PARAMETERS],
            [channels, dims @ ..] => [&[L::PARAMETERS * channels], dims].concat(),
        };
        let reversed = config.hidden.iter().rev().copied().collect::<Vec<_>>();
        let to_latent = [&[values], &config.hidden[..], &[2 * config.latent]].concat();
        let from_latent = [&[config.latent], &reversed[..], &[L::PARAMETERS * values]].concat();
        Self {
            encoder: Mlp::new(&(path / "encoder"), &to_latent),
            decoder: Mlp::new(&(path / "decoder"), &from_latent),
            latent: config.latent,
            single: observed.is_empty(),
            decoded,
            likelihood: PhantomData,
        }
    }

    /// Computes the approximate posterior over `[batch, latent]` of samples `[batch, channels, *dims]` of any kind.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if the samples have another shape.
    pub fn encode(&self, observed: &Tensor) -> Result<Normal> {
        let (kind, _) = self.decoder.options()?;
        let observed = if self.single { observed.f_unsqueeze(1)? } else { observed.f_flatten(1, -1)? };
        Normal::from_parameters(&self.encoder.forward(&observed.f_to_kind(kind)?)?)
    }

    /// Computes the likelihood given latents `[batch, latent]`.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if the latents have another shape, or the error of
    /// [`Likelihood::from_parameters`].
    pub fn decode(&self, latents: &Tensor) -> Result<L> {
        let parameters = self.decoder.forward(latents)?;
        let likelihood = L::from_parameters(&parameters.f_reshape([&[-1], &self.decoded[..]].concat())?)?;
        if !self.single {
            return Ok(likelihood);
        }
        likelihood.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.f_squeeze_dim(1)?))
    }

    /// Draws `count` latents from the prior and returns the likelihood given each.
    ///
    /// # Errors
    /// Returns [`Error::Torch`](crate::Error::Torch) if `count` is negative, or the error of
    /// [`Likelihood::from_parameters`].
    pub fn sample_from_prior(&self, count: i64) -> Result<L> {
        let (kind, device) = self.decoder.options()?;
        let latents = Tensor::f_randn([count, self.latent], (summing_kind(kind), device))?;
        self.decode(&latents.f_to_kind(kind)?)
    }
}

impl<L: Likelihood> LatentVariableModel for SimpleVae<L> {
    type Batch = Tensor;
    type Likelihood = L;
    type Auxiliary = ();

    fn infer(&self, observed: &Tensor, latents: &mut Latents, _: Mode) -> Result<(L, ())> {
        let posterior = self.encode(observed)?;
        let latent = latents.sample(&posterior, &posterior.standard()?)?;
        Ok((self.decode(&latent)?, ()))
    }
}

impl<L> fmt::Debug for SimpleVae<L> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latent, decoded, .. } = self;
        formatter.debug_struct("SimpleVae").field("latent", latent).field("decoded", decoded).finish_non_exhaustive()
    }
}

/// Fully connected layers with rectified linear units between them.
struct Mlp(Vec<nn::Linear>);

impl Mlp {
    fn new(path: &nn::Path<'_>, widths: &[i64]) -> Self {
        let config = nn::LinearConfig::default();
        let layer = |(index, pair): (usize, &[i64])| nn::linear(path / index, pair[0], pair[1], config);
        Self(widths.windows(2).enumerate().map(layer).collect())
    }

    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        let mut hidden = input.shallow_clone();
        for (index, layer) in self.0.iter().enumerate() {
            if index > 0 {
                hidden = hidden.f_relu()?;
            }
            hidden = hidden.f_linear(&layer.ws, layer.bs.as_ref())?;
        }
        Ok(hidden)
    }

    /// Returns the current kind and device of the weights.
    fn options(&self) -> Result<(Kind, Device)> {
        let Some(first) = self.0.first() else { return Ok((Kind::Float, Device::Cpu)) };
        Ok((first.ws.f_kind()?, first.ws.device()))
    }
}
