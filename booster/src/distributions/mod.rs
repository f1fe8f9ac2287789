//! Probability distributions over tensors, in the parameters that are stable: logits and logarithms of scales.
//!
//! A distribution is a [`Batch`](crate::Batch) of its parameters: where their first dimension is the samples', it is
//! cut into shards, joined and moved between devices as any other. All results agree with PyTorch's
//! `torch.distributions`, and are those of the limit where PyTorch has NaN: probabilities of 0 and 1, scales too small
//! to be held.
//!
//! Draws and means have the kind of the parameters. Log-probabilities, entropies and divergences, and the noise of
//! draws, are in single precision at least: in half precision a sum over pixels would keep three digits, and impossible
//! classes would be drawn.
//!
//! ```
//! use booster::distributions::{Distribution, KlDivergence, Normal, Reparameterized};
//! use booster::tch::Tensor;
//!
//! # fn main() -> booster::Result<()> {
//! let posterior = Normal::new(&Tensor::from_slice(&[0.5f32, -1.0]), &Tensor::from_slice(&[0.0f32, -0.5]))?;
//! let prior = posterior.standard()?;
//! let latent = posterior.rsample(&[])?; // differentiable with regard to the posterior's parameters
//! assert_eq!(prior.log_prob(&latent)?.size(), [2]);
//! assert_eq!(posterior.kl_divergence(&prior)?.size(), [2]);
//! # Ok(())
//! # }
//! ```
//!
//! What cannot be reparameterized does not compile:
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

/// A distribution over tensors: independent draws of `event_shape`, one for each entry of `batch_shape`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a probability distribution",
    label = "not a distribution",
    note = "`Normal`, `Laplace`, `Bernoulli`, `Categorical` and `Independent` of them are",
    note = "for one of your own, implement `booster::distributions::Distribution`; wrap another crate's in a struct"
)]
pub trait Distribution {
    /// The shape of independent draws, which have a log-probability each.
    fn batch_shape(&self) -> Vec<i64>;

    /// The shape of one draw: `[]` but for distributions over several values at once.
    fn event_shape(&self) -> Vec<i64> {
        Vec::new()
    }

    /// Draws values of shape `[*sample_shape, *batch_shape, *event_shape]`, without a graph.
    ///
    /// They come from libtorch's generator: call [`tch::manual_seed`] for the same ones again.
    ///
    /// # Errors
    /// [`Error::Torch`] for a negative length in `sample_shape`, or where memory ends.
    fn sample(&self, sample_shape: &[i64]) -> Result<Tensor>;

    /// The logarithm of the probability, or of the density, of values, in nats.
    ///
    /// The values' shape broadcasts with `[*batch_shape, *event_shape]`; the result has it without the event's
    /// dimensions.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the shapes do not broadcast, or the values are of a kind that has no place here.
    fn log_prob(&self, value: &Tensor) -> Result<Tensor>;

    /// The entropy in nats (of continuous values the differential one), of `batch_shape`.
    ///
    /// # Errors
    /// [`Error::Torch`] where memory ends.
    fn entropy(&self) -> Result<Tensor>;

    /// The mean, of shape `[*batch_shape, *event_shape]`.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for a distribution that has none.
    fn mean(&self) -> Result<Tensor>;
}

/// A distribution whose draws are a differentiable function of its parameters and of noise that has none
/// (Kingma and Welling, 2013, arXiv 1312.6114; Rezende et al., 2014, arXiv 1401.4082).
#[diagnostic::on_unimplemented(
    message = "draws of `{Self}` are not differentiable with regard to its parameters",
    label = "cannot be reparameterized",
    note = "`Normal`, `Laplace` and `Independent` of them can; from others, draw by `sample`, without gradients"
)]
pub trait Reparameterized: Distribution {
    /// Draws values of shape `[*sample_shape, *batch_shape, *event_shape]`, whose graph leads to the parameters.
    ///
    /// # Errors
    /// Those of [`Distribution::sample`].
    fn rsample(&self, sample_shape: &[i64]) -> Result<Tensor>;
}

/// A distribution whose Kullback-Leibler divergence from another is known in closed form.
#[diagnostic::on_unimplemented(
    message = "the divergence of `{Self}` from `{Other}` is not known in closed form",
    label = "no closed form of the KL divergence",
    note = "estimate it from draws: the mean of `self.log_prob(draw) - other.log_prob(draw)`"
)]
pub trait KlDivergence<Other = Self>: Distribution {
    /// `KL(self || other)` in nats, never negative but for rounding; `batch_shape` as both broadcast.
    ///
    /// # Errors
    /// [`Error::Torch`] where the shapes do not broadcast; [`Error::Mismatch`] for distributions over other classes.
    fn kl_divergence(&self, other: &Other) -> Result<Tensor>;
}

/// Draws without a graph from what can draw with one.
fn sample_without_graph(distribution: &impl Reparameterized, sample_shape: &[i64]) -> Result<Tensor> {
    let _no_grad = no_grad_guard();
    distribution.rsample(sample_shape)
}

/// The shape of draws.
fn draws(sample_shape: &[i64], parameter: &Tensor) -> Vec<i64> {
    [sample_shape, &parameter.size()].concat()
}

/// The kind and device of noise: single precision at least, as half precision rounds to 0 and 1 and has no tails.
fn noise_options(parameter: &Tensor) -> Result<(Kind, Device)> {
    Ok((summing_kind(parameter.f_kind()?), parameter.device()))
}

/// Parameters, each of the same floating-point kind, in the shape that they broadcast to.
fn parameters<const N: usize>(operation: &'static str, given: [&Tensor; N]) -> Result<[Tensor; N]> {
    let kinds = given.iter().map(|tensor| Ok(shape_and_kind(operation, tensor)?.1)).collect::<Result<Vec<_>>>()?;
    let fit = given.iter().all(|tensor| tensor.is_floating_point()) && kinds.windows(2).all(|pair| pair[0] == pair[1]);
    let sizes = given.map(Tensor::size);
    let fit = fit && sizes.iter().try_fold(Vec::new(), |shape, size| broadcast(&shape, size)).is_some();
    let unlike = || {
        Error::operand(
            operation,
            "parameters of one floating-point kind, whose shapes broadcast",
            format!("shapes {sizes:?} of kinds {kinds:?}"),
        )
    };
    if !fit {
        return Err(unlike());
    }
    Tensor::f_broadcast_tensors(&given)?.try_into().map_err(|_| unlike())
}

/// Values in the kind of a distribution's parameter, where their shape broadcasts with the distribution's.
fn values(operation: &'static str, value: &Tensor, parameter: &Tensor) -> Result<Tensor> {
    let (size, _) = real_shape_and_kind(operation, value)?;
    fits(operation, &size, &parameter.size())?;
    Ok(value.f_to_kind(parameter.f_kind()?)?)
}

/// Whether values of a shape have a place in a distribution of another.
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

/// The shape that two broadcast to, if they do.
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
