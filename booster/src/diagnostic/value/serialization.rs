//! Serialization of values. Text formats store NaN and infinities as strings, since they have no such numbers.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Array, Value};
use crate::histogram::Histogram;

/// The untagged form, for text formats, which are self-describing; binary formats use [`Tagged`].
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Absent(()),
    Scalar(f64),
    NonFinite(NonFinite),
    Array(Array),
    Histogram(Histogram),
}

/// Non-finite numbers, which text formats store as strings.
#[derive(Serialize, Deserialize)]
enum NonFinite {
    #[serde(rename = "inf")]
    Infinity,
    #[serde(rename = "-inf")]
    MinusInfinity,
    #[serde(rename = "NaN")]
    Nan,
}

#[derive(Serialize, Deserialize)]
enum Tagged {
    Absent,
    Scalar(f64),
    Array(Array),
    Histogram(Histogram),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            let tagged = match self.clone() {
                Self::Absent => Tagged::Absent,
                Self::Scalar(number) => Tagged::Scalar(number),
                Self::Array(array) => Tagged::Array(array),
                Self::Histogram(histogram) => Tagged::Histogram(histogram),
            };
            return tagged.serialize(serializer);
        }
        let text = match self.clone() {
            Self::Absent => Text::Absent(()),
            Self::Scalar(number) if number.is_nan() => Text::NonFinite(NonFinite::Nan),
            Self::Scalar(f64::INFINITY) => Text::NonFinite(NonFinite::Infinity),
            Self::Scalar(f64::NEG_INFINITY) => Text::NonFinite(NonFinite::MinusInfinity),
            Self::Scalar(number) => Text::Scalar(number),
            Self::Array(array) => Text::Array(array),
            Self::Histogram(histogram) => Text::Histogram(histogram),
        };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = if deserializer.is_human_readable() {
            match Text::deserialize(deserializer)? {
                Text::Absent(()) => Self::Absent,
                Text::Scalar(number) => Self::Scalar(number),
                Text::NonFinite(NonFinite::Infinity) => Self::Scalar(f64::INFINITY),
                Text::NonFinite(NonFinite::MinusInfinity) => Self::Scalar(f64::NEG_INFINITY),
                Text::NonFinite(NonFinite::Nan) => Self::Scalar(f64::NAN),
                Text::Array(array) => Self::Array(array),
                Text::Histogram(histogram) => Self::Histogram(histogram),
            }
        } else {
            match Tagged::deserialize(deserializer)? {
                Tagged::Absent => Self::Absent,
                Tagged::Scalar(number) => Self::Scalar(number),
                Tagged::Array(array) => Self::Array(array),
                Tagged::Histogram(histogram) => Self::Histogram(histogram),
            }
        };
        value.checked().map_err(D::Error::custom)
    }
}

impl Value {
    /// Checks that the lengths of an array or histogram are consistent.
    fn checked(self) -> Result<Self, String> {
        match &self {
            Self::Array(Array { shape, data }) => {
                let count = shape.iter().try_fold(1, |count: i64, &length| count.checked_mul(length));
                // Without steps, both the shape and the data are empty.
                if count != Some(data.len() as i64) && !(shape.is_empty() && data.is_empty()) {
                    return Err(format!("expected an array of shape {shape:?}, found {} numbers", data.len()));
                }
            }
            Self::Histogram(Histogram { edges, counts, .. }) => {
                if edges.len() != counts.len() + 1 && !(edges.is_empty() && counts.is_empty()) {
                    let (edges, counts) = (edges.len(), counts.len());
                    return Err(format!("expected one more edge than counts, found {edges} edges and {counts} counts"));
                }
            }
            Self::Absent | Self::Scalar(_) => {}
        }
        Ok(self)
    }
}
