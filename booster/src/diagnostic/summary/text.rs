//! Text formatting of summary values.

use super::Named;
use crate::diagnostic::value::Value;
use crate::histogram::Histogram;

/// Formats the values that are present on one line.
pub(super) fn line(values: &[Named]) -> String {
    let present = values.iter().filter(|named| named.value != Value::Absent);
    let texts =
        present.map(|named| format!("{}/{} {}", named.group, named.name, shown(&named.value, named.in_seconds)));
    texts.collect::<Vec<_>>().join("  ")
}

/// Formats a number with its unit, or a short description of an array or histogram.
pub(super) fn shown(value: &Value, in_seconds: bool) -> String {
    match value {
        Value::Absent => "-".to_owned(),
        Value::Scalar(value) if in_seconds => duration(*value),
        Value::Scalar(value) => number(*value),
        Value::Array(array) => match &array.data[..] {
            data if data.len() <= 8 => {
                format!("[{}]", data.iter().map(|&entry| number(entry)).collect::<Vec<_>>().join(", "))
            }
            _ => format!("array of shape {:?}", array.shape),
        },
        Value::Histogram(histogram) => {
            let Histogram { min, max, .. } = histogram;
            format!("{} values from {} to {}", histogram.count(), number(*min), number(*max))
        }
    }
}

/// Formats seconds in µs, ms or s, depending on their magnitude.
fn duration(seconds: f64) -> String {
    match seconds.abs() {
        size if size > 0.0 && size < 1e-4 => format!("{} µs", number(seconds * 1e6)),
        size if size > 0.0 && size < 1.0 => format!("{} ms", number(seconds * 1e3)),
        _ => format!("{} s", number(seconds)),
    }
}

/// Formats a number with four decimals (none for large whole numbers), or in exponent form if it is very small or
/// large.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value != 0.0 && value.is_finite() && !(1e-3..1e7).contains(&value.abs()) => format!("{value:.4e}"),
        value if value.fract() == 0.0 && value.abs() >= 1e3 => format!("{value:.0}"),
        value => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, number};

    #[test]
    fn no_value_is_hidden_by_its_formatting() {
        let shown = [0.0, 0.25, 1e-5, -3e9, 60_000.0, f64::NAN].map(number);
        assert_eq!(shown, ["0.0000", "0.2500", "1.0000e-5", "-3.0000e9", "60000", "NaN"]);
    }

    #[test]
    fn seconds_are_shown_in_the_unit_that_fits() {
        let shown = [0.0, 2e-10, 5e-6, 2.2e-4, -0.5, 1.0, 86_400.0, f64::NAN].map(duration);
        assert_eq!(
            shown,
            ["0.0000 s", "2.0000e-4 µs", "5.0000 µs", "0.2200 ms", "-500.0000 ms", "1.0000 s", "86400 s", "NaN s"]
        );
    }
}
