//! A two-player game, for tests of which variables are trained.

use booster::prelude::*;
use booster::tch::{Tensor, nn};

/// Each player's gradient is the other's value.
#[derive(Debug)]
pub struct Gan {
    /// `[1]`, doubles.
    pub generator: Tensor,
    /// `[1]`, doubles.
    pub discriminator: Tensor,
}

/// Returns the product of both players and the batch.
///
/// # Errors
/// Returns an error if a libtorch operation fails.
#[evaluator]
pub fn adversarial(model: &Gan, batch: &Tensor, _mode: Mode) -> booster::Result<Tensor> {
    Ok((batch * &model.generator * &model.discriminator).f_mean(None)?)
}

/// Creates a generator of 1 and a discriminator of 0.1.
pub fn gan(path: &nn::Path<'_>) -> Gan {
    let one = |name: &str, value: f64| path.add(name, Tensor::from_slice(&[value]), true);
    Gan { generator: one("generator", 1.0), discriminator: one("discriminator", 0.1) }
}
