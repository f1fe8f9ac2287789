//! Adam and AdamW.

use booster_sys::fused::{self, Parameters, Refused};
use tch::nn::VarStore;

use super::Parameter;
use super::fused::{Builder, Fused, Rule, check};
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

    /// Adds a parameter group; see [`Builder::group`].
    pub fn group(
        self,
        predicate: impl Fn(&Parameter) -> bool + 'static,
        options: impl FnOnce(Self) -> Self,
    ) -> Builder<Self> {
        Builder::new(self).group(predicate, options)
    }

    /// Restricts the optimizer to some parameters; see [`Builder::of`].
    pub fn of(self, predicate: impl Fn(&Parameter) -> bool + 'static) -> Builder<Self> {
        Builder::new(self).of(predicate)
    }

    /// Builds the optimizer; see [`Builder::build`].
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if an option is out of range, or if the store has no
    /// trainable parameters.
    pub fn build(self, store: &VarStore) -> Result<Fused<Self>> {
        Builder::new(self).build(store)
    }
}

impl<const DECOUPLED: bool> Sealed for AdamOptions<DECOUPLED> {}

impl<const DECOUPLED: bool> Rule for AdamOptions<DECOUPLED> {
    const NAME: &'static str = if DECOUPLED { "AdamW" } else { "Adam" };

    fn columns(&self) -> &'static [&'static str] {
        if self.amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
    }

    fn check(&self) -> Result<()> {
        let of = |option, value: f64, is_in_range, expected| check(Self::NAME, option, value, is_in_range, expected);
        let is_from_0 = |value: f64| value.is_finite() && value >= 0.0;
        of("learning_rate", self.learning_rate, is_from_0(self.learning_rate), "finite and not negative")?;
        for beta in [self.betas.0, self.betas.1] {
            of("betas", beta, (0.0..1.0).contains(&beta), "in 0..1")?;
        }
        of("epsilon", self.epsilon, is_from_0(self.epsilon), "finite and not negative")?;
        of("weight_decay", self.weight_decay, is_from_0(self.weight_decay), "finite and not negative")
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
