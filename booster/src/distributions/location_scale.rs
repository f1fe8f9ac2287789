//! Location-scale families.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::Result;

/// Implements the constructors and accessors of a location-scale family.
macro_rules! location_scale {
    ($family:ident, $operation:literal) => {
        impl $family {
            /// Creates a distribution from its location and log scale, which broadcast.
            ///
            /// # Errors
            /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if the shapes do not broadcast, or if the kinds
            /// differ or are not floating point.
            pub fn new(loc: &Tensor, log_scale: &Tensor) -> Result<Self> {
                let [loc, log_scale] = parameters($operation, [loc, log_scale])?;
                Ok(Self { loc, log_scale })
            }

            /// Returns the standard distribution, with location 0 and scale 1, of the same shape, kind and device.
            ///
            /// # Errors
            /// Returns [`Error::Torch`](crate::Error::Torch) if allocation fails.
            pub fn standard(&self) -> Result<Self> {
                let zeros = self.loc.f_detach()?.f_zeros_like()?;
                Ok(Self { log_scale: zeros.shallow_clone(), loc: zeros })
            }

            /// Returns the location.
            pub fn loc(&self) -> &Tensor {
                &self.loc
            }

            /// Returns the natural logarithm of the scale.
            pub fn log_scale(&self) -> &Tensor {
                &self.log_scale
            }

            /// Computes the scale.
            ///
            /// # Errors
            /// Returns [`Error::Torch`](crate::Error::Torch) if allocation fails.
            pub fn scale(&self) -> Result<Tensor> {
                Ok(self.log_scale.f_exp()?)
            }

            /// Returns the location and log scale, in at least single precision.
            fn at_least_single(&self) -> Result<[Tensor; 2]> {
                Ok([at_least_single(&self.loc)?, at_least_single(&self.log_scale)?])
            }

            /// Transforms standard noise into draws, in the kind of the parameters.
            fn draw_of(&self, noise: &Tensor) -> Result<Tensor> {
                let [loc, log_scale] = self.at_least_single()?;
                Ok(noise.f_mul(&log_scale.f_exp()?)?.f_add(&loc)?.f_to_kind(self.loc.f_kind()?)?)
            }
        }

        impl Likelihood for $family {
            const PARAMETERS: i64 = 2;

            /// Creates a distribution whose location is the first half of dimension 1 and whose log scale is the
            /// second.
            fn from_parameters(parameters: &Tensor) -> Result<Self> {
                let [loc, log_scale] = likelihood::split($operation, parameters)?;
                Self::new(&loc, &log_scale)
            }
        }
    };
}

pub(super) use location_scale;

/// Returns the largest number with a finite exponential in a kind, rounded down.
pub(super) fn greatest_exponent(kind: Kind) -> f64 {
    if kind == Kind::Double { 709.0 } else { 88.0 }
}

/// Divides a difference by the scale. A difference of 0 stays 0, in value and gradient, however small the scale.
pub(super) fn in_units(difference: &Tensor, log_scale: &Tensor) -> Result<Tensor> {
    // Divides twice by the square root of the scale, clamped to a finite factor, because 0 times infinity is NaN.
    let limit = greatest_exponent(log_scale.f_kind()?);
    // Same as `clamp_min`, but with a cheaper gradient.
    let root = log_scale.try_threshold(-2.0 * limit, -2.0 * limit)?.try_mul_scalar(-0.5)?.f_exp()?;
    Ok(difference.f_mul(&root)?.f_mul(&root)?)
}
