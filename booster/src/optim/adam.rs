//! Adam and AdamW.

use booster_sys::fused::{self, Parameters, Refused};
use tch::nn::VarStore;

use super::Parameter;
use super::fused::{Builder, Fused, Rule, builder_methods, check, not_negative};
use crate::error::Result;
use crate::sealed::Sealed;

/// Adam (Kingma and Ba, 2015, [arXiv 1412.6980](https://arxiv.org/abs/1412.6980)). Its weight decay is an L2 penalty, added
/// to the gradient.
pub type Adam = Fused<AdamOptions<false>>;

/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019, [arXiv 1711.05101](https://arxiv.org/abs/1711.05101)).
///
/// A step multiplies parameters by 1 - learning rate × weight decay, then takes Adam's step.
pub type AdamW = Fused<AdamOptions<true>>;

/// The options of [`Adam`] and, if `DECOUPLED`, of [`AdamW`], with PyTorch's defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "call `build`"]
pub struct AdamOptions<const DECOUPLED: bool> {
    learning_rate: f64,
    betas: (f64, f64),
    epsilon: f64,
    weight_decay: f64,
    amsgrad: bool,
}

impl<const DECOUPLED: bool> Fused<AdamOptions<DECOUPLED>> {
    /// Returns the default options with the given learning rate, for which PyTorch's default is 1e-3.
    pub fn options(learning_rate: f64) -> AdamOptions<DECOUPLED> {
        let weight_decay = if DECOUPLED { 1e-2 } else { 0.0 };
        AdamOptions { learning_rate, betas: (0.9, 0.999), epsilon: 1e-8, weight_decay, amsgrad: false }
    }
}

impl<const DECOUPLED: bool> AdamOptions<DECOUPLED> {
    /// Sets the learning rate.
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.learning_rate = rate;
        self
    }

    /// Sets the decay rates of the moving averages of the gradient and of its square. The defaults are 0.9 and 0.999.
    pub fn betas(mut self, mean: f64, square: f64) -> Self {
        self.betas = (mean, square);
        self
    }

    /// Sets the term that is added to the denominator for numerical stability. The default is 1e-8.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets the weight decay. The default is 0 for [`Adam`] and 0.01 for [`AdamW`].
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    /// Divides by the maximum so far of the squared gradient's moving average (AMSGrad; Reddi, Kale and Kumar, 2018,
    /// [arXiv 1904.09237](https://arxiv.org/abs/1904.09237)).
    pub fn amsgrad(mut self) -> Self {
        self.amsgrad = true;
        self
    }

    builder_methods!();
}

impl<const DECOUPLED: bool> Sealed for AdamOptions<DECOUPLED> {}

impl<const DECOUPLED: bool> Rule for AdamOptions<DECOUPLED> {
    const NAME: &'static str = if DECOUPLED { "AdamW" } else { "Adam" };

    fn columns(&self) -> &'static [&'static str] {
        if self.amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
    }

    fn check(&self) -> Result<()> {
        not_negative(Self::NAME, &[("learning_rate", self.learning_rate)])?;
        for beta in [self.betas.0, self.betas.1] {
            check(Self::NAME, "betas", beta, (0.0..1.0).contains(&beta), "in 0..1")?;
        }
        not_negative(Self::NAME, &[("epsilon", self.epsilon), ("weight_decay", self.weight_decay)])
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn step(&self, parameters: Parameters<'_>) -> Result<(), Refused> {
        let Self { learning_rate, betas, epsilon, weight_decay, amsgrad } = *self;
        fused::adam(
            &fused::Adam { learning_rate, betas, weight_decay, epsilon, decoupled: DECOUPLED, amsgrad },
            parameters,
        )
    }
}
