//! Probability distributions over tensors, parameterized for numerical stability by logits and log scales.
//!
//! A distribution is a [`Batch`](crate::Batch) of its parameters: if their first dimension is the sample dimension, it
//! can be split into shards, joined and moved between devices like any other batch. Results agree with PyTorch's
//! `torch.distributions`, except that where PyTorch returns NaN, for probabilities of 0 and 1 and for scales that
//! underflow, they are the mathematical limits.
//!
//! Draws and means have the kind of the parameters. Log-probabilities, entropies, divergences and the noise of draws
//! have at least single precision: in half precision, a sum over pixels would have three significant digits, and
//! impossible classes could be drawn.
//!
//! ```
//! use booster::distributions::{Distribution, KlDivergence, Normal, Reparameterized};
//! use booster::tch::Tensor;
//!
//! # fn main() -> booster::Result<()> {
//! let posterior = Normal::new(&Tensor::from_slice(&[0.5f32, -1.0]), &Tensor::from_slice(&[0.0f32, -0.5]))?;
//! let prior = posterior.standard()?;
//! let latent = posterior.rsample(&[])?; // differentiable with respect to the posterior's parameters
//! assert_eq!(prior.log_prob(&latent)?.size(), [2]);
//! assert_eq!(posterior.kl_divergence(&prior)?.size(), [2]);
//! # Ok(())
//! # }
//! ```
//!
//! Reparameterized draws from a distribution that does not support them, such as Bernoulli, are a compile error:
//!
//! ```compile_fail,E0277
//! use booster::distributions::{Bernoulli, Reparameterized};
//!
//! fn latent(posterior: &impl Reparameterized) -> booster::Result<booster::tch::Tensor> {
//!     posterior.rsample(&[])
//! }
//!
//! fn wrong(posterior: &Bernoulli) -> booster::Result<booster::tch::Tensor> {
//!     latent(posterior)
//! }
//! ```

mod bernoulli;
mod categorical;
mod independent;
mod laplace;
mod likelihood;
mod location_scale;
mod normal;

use tch::{Device, Kind, Tensor, no_grad_guard};

pub use self::bernoulli::Bernoulli;
pub use self::categorical::Categorical;
pub use self::independent::Independent;
pub use self::laplace::Laplace;
pub use self::likelihood::Likelihood;
pub use self::normal::Normal;
use crate::error::{Error, Result};
use crate::functional::{real_shape_and_kind, shape_and_kind};
use crate::kind::summing_kind;

/// A distribution over tensors, with an independent draw of `event_shape` for each entry of `batch_shape`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a probability distribution",
    label = "not a distribution",
    note = "the distributions are `Normal`, `Laplace`, `Bernoulli`, `Categorical`, and these wrapped in `Independent`",
    note = "for your own type, implement `booster::distributions::Distribution`; wrap a foreign type in a struct"
)]
pub trait Distribution {
    /// Returns the shape of independent draws, each with its own log-probability.
    fn batch_shape(&self) -> Vec<i64>;

    /// Returns the shape of one draw: `[]`, except for joint distributions over several values.
    fn event_shape(&self) -> Vec<i64> {
        Vec::new()
    }

    /// Draws values of shape `[*sample_shape, *batch_shape, *event_shape]`, without a graph.
    ///
    /// Draws use libtorch's generator: call [`tch::manual_seed`] for reproducible draws.
    ///
    /// # Errors
    /// Returns [`Error::Torch`] if `sample_shape` has a negative length, or if allocation fails.
    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor>;

    /// Computes the log-probability, or log-density, of values, in nats.
    ///
    /// The shape of the values broadcasts with `[*batch_shape, *event_shape]`; the result lacks the event dimensions.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the shapes do not broadcast, or if the distribution does not support the kind.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor>;

    /// Computes the entropy in nats, of shape `batch_shape`; for continuous values, the differential entropy.
    ///
    /// # Errors
    /// Returns [`Error::Torch`] if allocation fails.
    fn entropy(&self) -> Result<Tensor>;

    /// Computes the mean, of shape `[*batch_shape, *event_shape]`.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the distribution has no mean.
    fn mean(&self) -> Result<Tensor>;
}

/// A distribution whose draws are a differentiable function of its parameters and parameter-free noise (Kingma and
/// Welling, 2013, arXiv 1312.6114; Rezende et al., 2014, arXiv 1401.4082).
#[diagnostic::on_unimplemented(
    message = "draws of `{Self}` are not differentiable with respect to its parameters",
    label = "cannot be reparameterized",
    note = "`Normal`, `Laplace` and these wrapped in `Independent` can; to draw from others, without gradients, use `sample`"
)]
pub trait Reparameterized: Distribution {
    /// Draws values of shape `[*sample_shape, *batch_shape, *event_shape]`, differentiable with respect to the
    /// parameters.
    ///
    /// # Errors
    /// Returns the same errors as [`Distribution::sample`].
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor>;
}

/// A distribution with a closed-form Kullback-Leibler divergence from another.
#[diagnostic::on_unimplemented(
    message = "the divergence of `{Self}` from `{Other}` has no known closed form",
    label = "no closed-form KL divergence",
    note = "estimate it from draws: the mean of `self.log_prob(draw) - other.log_prob(draw)`"
)]
pub trait KlDivergence<Other = Self>: Distribution {
    /// Computes `KL(self || other)` in nats, of the broadcast `batch_shape`; negative only due to rounding.
    ///
    /// # Errors
    /// Returns [`Error::Torch`] if the shapes do not broadcast, or [`Error::Mismatch`] if the numbers of
    /// classes differ.
    fn kl_divergence(&self, other: &Other) -> Result<Tensor>;
}

/// Calls [`Reparameterized::rsample`] without recording a graph.
fn sample_without_graph(distribution: &impl Reparameterized, sample_shape: &[i64]) -> Result<Tensor> {
    let _no_grad = no_grad_guard();
    distribution.rsample(sample_shape)
}

fn draws(sample_shape: &[i64], parameter: &Tensor) -> Vec<i64> {
    [sample_shape, &parameter.size()].concat()
}

/// Returns the kind and device of noise. The kind is at least single precision, since half precision rounds to 0 and 1
/// and loses the tails.
fn noise_options(parameter: &Tensor) -> Result<(Kind, Device)> {
    Ok((summing_kind(parameter.f_kind()?), parameter.device()))
}

/// Broadcasts parameters after checking that they have the same floating-point kind.
fn parameters<const N: usize>(operation: &'static str, given: [&Tensor; N]) -> Result<[Tensor; N]> {
    let kinds = given.iter().map(|tensor| Ok(shape_and_kind(operation, tensor)?.1)).collect::<Result<Vec<_>>>()?;
    let fit = given.iter().all(|tensor| tensor.is_floating_point()) && kinds.windows(2).all(|pair| pair[0] == pair[1]);
    let sizes = given.map(Tensor::size);
    let fit = fit && sizes.iter().try_fold(Vec::new(), |shape, size| broadcast(&shape, size)).is_some();
    let unlike = || {
        Error::operand(
            operation,
            "parameters of one floating-point kind with shapes that broadcast",
            format!("shapes {sizes:?} of kinds {kinds:?}"),
        )
    };
    if !fit {
        return Err(unlike());
    }
    Tensor::f_broadcast_tensors(&given)?.try_into().map_err(|_| unlike())
}

/// Converts values to the kind of a parameter after checking that the shapes broadcast.
fn values(operation: &'static str, value: &Tensor, parameter: &Tensor) -> Result<Tensor> {
    let (size, _) = real_shape_and_kind(operation, value)?;
    fits(operation, &size, &parameter.size())?;
    Ok(value.f_to_kind(parameter.f_kind()?)?)
}

/// Checks that the shape of values broadcasts with that of a distribution.
fn fits(operation: &'static str, value: &[i64], shape: &[i64]) -> Result<()> {
    let unlike = || {
        Error::operand(
            operation,
            format!("values whose shape broadcasts with {shape:?}"),
            format!("values of shape {value:?}"),
        )
    };
    broadcast(value, shape).map(drop).ok_or_else(unlike)
}

/// Returns the shape that two shapes broadcast to, or `None` if they do not.
fn broadcast(one: &[i64], other: &[i64]) -> Option<Vec<i64>> {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let mut shape = long.to_vec();
    let shared = long.len() - short.len()..;
    for (length, &with) in shape[shared].iter_mut().zip(short) {
        *length = match (*length, with) {
            (1, with) => with,
            (length, with) if with == 1 || with == length => length,
            _ => return None,
        };
    }
    Some(shape)
}
