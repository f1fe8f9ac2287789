//! Stochastic gradient descent.

use booster_sys::fused::{self, Parameters, Refused};
use tch::nn::VarStore;

use super::Parameter;
use super::fused::{Builder, Fused, Rule, builder_methods, check, not_negative};
use crate::error::{Error, Result};
use crate::sealed::Sealed;

/// Stochastic gradient descent, optionally with momentum (Sutskever et al., 2013).
///
/// As in PyTorch, the first gradient initializes the momentum buffer, and the learning rate scales the buffer rather
/// than the gradients added to it.
pub type Sgd = Fused<SgdOptions>;

/// The options of [`Sgd`], with PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "call `build`"]
pub struct SgdOptions {
    learning_rate: f64,
    momentum: f64,
    dampening: f64,
    weight_decay: f64,
    nesterov: bool,
}

impl Sgd {
    /// Returns the default options with the given learning rate.
    pub fn options(learning_rate: f64) -> SgdOptions {
        SgdOptions { learning_rate, momentum: 0.0, dampening: 0.0, weight_decay: 0.0, nesterov: false }
    }
}

impl SgdOptions {
    /// Sets the learning rate.
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.learning_rate = rate;
        self
    }

    /// Sets the decay rate of the momentum buffer. The default, 0, uses no buffer.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets the fraction of each gradient, after the first, that is left out of the momentum buffer. The default is 0.
    pub fn dampening(mut self, dampening: f64) -> Self {
        self.dampening = dampening;
        self
    }

    /// Sets the weight decay, an L2 penalty added to the gradient. The default is 0.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    /// Uses Nesterov momentum, which requires a non-zero momentum and no dampening.
    pub fn nesterov(mut self) -> Self {
        self.nesterov = true;
        self
    }

    builder_methods!();
}

impl Sealed for SgdOptions {}

impl Rule for SgdOptions {
    const NAME: &'static str = "Sgd";

    fn columns(&self) -> &'static [&'static str] {
        if self.momentum == 0.0 { &[] } else { &["momentum_buffer"] }
    }

    fn check(&self) -> Result<()> {
        let Self { learning_rate, momentum, dampening, weight_decay, nesterov } = *self;
        let options = [("learning_rate", learning_rate), ("momentum", momentum), ("weight_decay", weight_decay)];
        not_negative(Self::NAME, &options)?;
        check(Self::NAME, "dampening", dampening, dampening.is_finite(), "finite")?;
        if nesterov && (momentum == 0.0 || dampening != 0.0) {
            let found = format!("momentum {momentum} and dampening {dampening}");
            return Err(Error::argument(Self::NAME, "nesterov", "used with a momentum and without dampening", found));
        }
        Ok(())
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn step(&self, parameters: Parameters<'_>) -> Result<(), Refused> {
        let Self { learning_rate, momentum, dampening, weight_decay, nesterov } = *self;
        fused::sgd(&fused::Sgd { learning_rate, momentum, dampening, weight_decay, nesterov }, parameters)
    }
}
