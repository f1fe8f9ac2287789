//! A summary as a table.

use std::fmt;

use super::by_group;
use crate::diagnostic::schema::Schema;
use crate::diagnostic::value::{Value, Values};
use crate::histogram::Histogram;

/// Writes a row per metric: group (on the group's first row), name, value, aligned, numbers at the decimal point.
#[doc(hidden)]
pub fn format_summary(schema: &Schema, values: Values, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let groups = by_group(schema, values);
    let group_width = groups.iter().map(|(group, _)| group.chars().count()).max().unwrap_or(0);
    let metrics = || groups.iter().flat_map(|(_, metrics)| metrics);
    let name_width = metrics().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let whole_width = metrics().map(|(_, value)| before_point(&shown(value))).max().unwrap_or(0);

    let mut first = true;
    for (group, metrics) in &groups {
        let mut group = *group;
        for (name, value) in metrics {
            if !first {
                writeln!(formatter)?;
            }
            first = false;
            let number = shown(value);
            let indent = whole_width - before_point(&number);
            write!(formatter, "{group:group_width$}  {name:name_width$}  {:indent$}{number}", "")?;
            group = "";
        }
    }
    Ok(())
}

/// A number; of arrays and histograms what tells most in a line.
fn shown(value: &Value) -> String {
    match value {
        Value::Absent => "-".to_owned(),
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

/// Four decimals, or the exponent form where these would hide the value.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value != 0.0 && value.is_finite() && !(1e-3..1e7).contains(&value.abs()) => format!("{value:.4e}"),
        value if value.fract() == 0.0 && value.abs() >= 1e3 => format!("{value:.0}"),
        value => format!("{value:.4}"),
    }
}

fn before_point(number: &str) -> usize {
    number.find('.').unwrap_or(number.len())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn no_value_is_hidden_by_its_formatting() {
        let shown = [0.0, 0.25, 1e-5, -3e9, 60_000.0, f64::NAN].map(number);
        assert_eq!(shown, ["0.0000", "0.2500", "1.0000e-5", "-3.0000e9", "60000", "NaN"]);
    }
}
