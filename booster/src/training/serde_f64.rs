//! Exact serde round trips of `f64`, for `#[serde(with = "serde_f64")]`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Parsers that multiply digits by a power of ten, as `serde_json` does by default, are exact up to these limits.
/// Longer numbers are written as strings, which the standard library parses exactly.
const EXACT_DIGITS: usize = 15;
const EXACT_EXPONENT: i32 = 22;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let text = format!("{value:e}");
    if !serializer.is_human_readable() || is_read_exactly(&text) {
        return serializer.serialize_f64(*value);
    }
    serializer.serialize_str(&text)
}

/// Returns whether such parsers read a number in exponent form exactly: few digits times a small power of ten.
fn is_read_exactly(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once('e') else { return false };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let exponent = exponent.parse::<i32>().map(|exponent| exponent + 1 - digits as i32);
    digits <= EXACT_DIGITS && exponent.is_ok_and(|exponent| exponent.abs() <= EXACT_EXPONENT)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    if deserializer.is_human_readable() { deserializer.deserialize_any(Number) } else { f64::deserialize(deserializer) }
}

struct Number;

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number or a numeric string")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<f64, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<f64, E> {
        Ok(value as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<f64, E> {
        text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Held(#[serde(with = "super")] f64);

    #[test]
    fn numbers_round_trip_exactly() -> serde_json::Result<()> {
        let mut bits = 1_u64;
        for _ in 0..20_000 {
            // The multiplier of Steele and Vigna varies all bits.
            bits = bits.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
            let value = f64::from_bits(bits);
            for value in [value, value.fract(), bits as f64, (bits % 1_000_003) as f64 / 1e3] {
                if value.is_finite() {
                    let back = serde_json::from_str::<Held>(&serde_json::to_string(&Held(value))?)?;
                    assert_eq!(back.0.to_bits(), value.to_bits(), "{value:e}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn short_numbers_stay_numbers() -> serde_json::Result<()> {
        for (value, text) in [(1e-3, "0.001"), (0.0, "0.0"), (-2.5, "-2.5"), (0.1 + 0.2, "\"3.0000000000000004e-1\"")] {
            assert_eq!(serde_json::to_string(&Held(value))?, text);
        }
        assert_eq!(serde_json::from_str::<Held>("3")?, Held(3.0));
        assert_eq!(serde_json::from_str::<Held>("-3")?, Held(-3.0));
        assert!(serde_json::from_str::<Held>("\"three\"").is_err());
        Ok(())
    }
}
