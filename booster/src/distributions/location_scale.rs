//! What the families of a location and a scale share.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::Result;

/// A family with a location and the logarithm of a scale: its parameters, constructors and shapes.
macro_rules! location_scale {
    ($family:ident, $operation:literal) => {
        impl $family {
            /// The distribution with a location and the natural logarithm of its scale, which broadcast.
            ///
            /// # Errors
            /// [`Error::Mismatch`](crate::Error::Mismatch) where the shapes do not broadcast, or the kinds are not one
            /// floating-point kind.
            pub fn new(loc: &Tensor, log_scale: &Tensor) -> Result<Self> {
                let [loc, log_scale] = parameters($operation, [loc, log_scale])?;
                Ok(Self { loc, log_scale })
            }

            /// The distribution with location 0 and scale 1 of the same shape and kind, on the same device: the usual
            /// prior.
            ///
            /// # Errors
            /// [`Error::Torch`](crate::Error::Torch) where memory ends.
            pub fn standard(&self) -> Result<Self> {
                let zeros = self.loc.f_detach()?.f_zeros_like()?;
                Ok(Self { log_scale: zeros.shallow_clone(), loc: zeros })
            }

            /// The location.
            pub fn loc(&self) -> &Tensor {
                &self.loc
            }

            /// The natural logarithm of the scale.
            pub fn log_scale(&self) -> &Tensor {
                &self.log_scale
            }

            /// The scale.
            ///
            /// # Errors
            /// [`Error::Torch`](crate::Error::Torch) where memory ends.
            pub fn scale(&self) -> Result<Tensor> {
                Ok(self.log_scale.f_exp()?)
            }

            /// The location and the logarithm of the scale, in single precision at least.
            fn at_least_single(&self) -> Result<[Tensor; 2]> {
                Ok([at_least_single(&self.loc)?, at_least_single(&self.log_scale)?])
            }

            /// The draws that noise makes, in the kind of the parameters.
            fn draw_of(&self, noise: &Tensor) -> Result<Tensor> {
                let [loc, log_scale] = self.at_least_single()?;
                Ok(noise.f_mul(&log_scale.f_exp()?)?.f_add(&loc)?.f_to_kind(self.loc.f_kind()?)?)
            }
        }

        impl Likelihood for $family {
            const PARAMETERS: i64 = 2;

            /// The first half of dimension 1 is the location, the second the logarithm of the scale.
            fn from_parameters(parameters: &Tensor) -> Result<Self> {
                let [loc, log_scale] = likelihood::split($operation, parameters)?;
                Self::new(&loc, &log_scale)
            }
        }
    };
}

pub(super) use location_scale;

/// The greatest number that has an exponential in a kind, rounded down.
pub(super) fn greatest_exponent(kind: Kind) -> f64 {
    if kind == Kind::Double { 709.0 } else { 88.0 }
}

/// A difference in units of a scale. Where there is none it stays 0, in value and gradient, however small the scale is.
pub(super) fn in_units(difference: &Tensor, log_scale: &Tensor) -> Result<Tensor> {
    // By the root of the scale twice, and by no more than can be held: 0 times infinity would be NaN.
    let limit = greatest_exponent(log_scale.f_kind()?);
    // `threshold` limits as `clamp_min` does, with a gradient that costs less.
    let root = log_scale.try_threshold(-2.0 * limit, -2.0 * limit)?.try_mul_scalar(-0.5)?.f_exp()?;
    Ok(difference.f_mul(&root)?.f_mul(&root)?)
}
