//! Kind predicates and the accumulation kinds of sums.

use tch::{Device, Kind};

use crate::transfers::has_doubles;

/// Returns whether values of a kind can be aggregated.
pub(crate) fn is_real(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Uint8
            | Kind::Int8
            | Kind::Int16
            | Kind::Int
            | Kind::Int64
            | Kind::Half
            | Kind::BFloat16
            | Kind::Float
            | Kind::Double
            | Kind::Bool
            | Kind::Float8e5m2
            | Kind::Float8e4m3fn
            | Kind::Float8e5m2fnuz
            | Kind::Float8e4m3fnuz
    )
}

/// Returns the accumulation kind for sums and products of values of a kind: at least single precision, since half
/// precision overflows above 65504.
pub(crate) fn summing_kind(kind: Kind) -> Kind {
    if kind == Kind::Double { Kind::Double } else { Kind::Float }
}

/// Returns the kind for exact sums and counts on a device: double precision, or single precision on MPS, which has no
/// doubles.
pub(crate) fn widest_float(device: Device) -> Kind {
    if has_doubles(device) { Kind::Double } else { Kind::Float }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mps_lacks_doubles() {
        assert_eq!(
            [Device::Cpu, Device::Cuda(0), Device::Mps].map(widest_float),
            [Kind::Double, Kind::Double, Kind::Float]
        );
    }
}
