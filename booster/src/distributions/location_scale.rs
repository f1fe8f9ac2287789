//! What the families of a location and a scale share.

/// A family with a location and the logarithm of a scale: its parameters, constructors and shapes.
macro_rules! location_scale {
    ($family:ident, $operation:literal) => {
        impl $family {
            /// The distribution with a location and the natural logarithm of its scale, which broadcast.
            ///
            /// # Errors
            /// [`Error::Operand`](crate::Error::Operand) where the shapes do not broadcast, or the kinds are not one
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

            /// Values less the location, in units of the scale.
            fn standardized(&self, value: &Tensor) -> Result<Tensor> {
                let value = values(concat!($operation, "::log_prob"), value, &self.loc)?;
                Ok(value.f_sub(&self.loc)?.f_mul(&self.log_scale.f_neg()?.f_exp()?)?)
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
