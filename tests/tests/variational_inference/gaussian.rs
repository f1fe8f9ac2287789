//! A model with every quantity known in closed form: `z ~ N(0, 1)`, `x | z ~ N(z, 1)`, and so `x ~ N(0, 2)`,
//! `z | x ~ N(x / 2, 1 / 2)`.

use std::f64::consts::PI;

use booster::distributions::Normal;
use booster::evaluation::{LatentVariableModel, Latents, VariationalInference};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};

/// Its posterior is `N(slope * x, exp(log_scale)^2)`.
pub(crate) struct Gaussian {
    pub(crate) slope: Tensor,
    pub(crate) log_scale: Tensor,
}

impl Gaussian {
    /// With a custom posterior.
    pub(crate) fn new(slope: f64, log_scale: f64) -> Self {
        let [slope, log_scale] = [slope, log_scale].map(|number| Tensor::from(number).set_requires_grad(true));
        Self { slope, log_scale }
    }

    /// With the true posterior.
    pub(crate) fn exact() -> Self {
        Self::new(0.5, 0.5 * 0.5f64.ln())
    }

    /// With the prior as posterior.
    pub(crate) fn prior() -> Self {
        Self::new(0.0, 0.0)
    }

    /// A pipeline of the model.
    pub(crate) fn pipeline(self, evaluator: VariationalInference<Self>) -> Pipeline<VariationalInference<Self>> {
        Pipeline::new(nn::VarStore::new(Device::Cpu), self, evaluator)
    }
}

impl LatentVariableModel for Gaussian {
    type Batch = Tensor;
    type Likelihood = Normal;
    type Auxiliary = ();

    fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(Normal, ())> {
        let posterior = Normal::new(&(x * &self.slope), &self.log_scale)?;
        let z = latents.sample(&posterior, &posterior.standard()?)?;
        Ok((Normal::new(&z, &Tensor::zeros_like(&z))?, ()))
    }
}

/// `[batch, 1]` observed values from -2 to 2.
pub(crate) fn observed(batch_size: i64) -> Tensor {
    Tensor::linspace(-2.0, 2.0, batch_size, (Kind::Double, Device::Cpu)).unsqueeze(1)
}

/// The logarithm of each observed value's density, `[batch]`.
pub(crate) fn log_evidence(observed: &Tensor) -> Tensor {
    observed.squeeze_dim(1).square() * -0.25 - 0.5 * (4.0 * PI).ln()
}
