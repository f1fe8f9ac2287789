//! Benchmark results: display and storage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use serde_json::{Map, Value};

use crate::paired::{Comparison, Spread};

/// A measurement of one or more keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Benchmark {
    /// The keys of its rows.
    pub(crate) keys: &'static [&'static str],
    /// The number of progress bar ticks.
    pub(crate) rounds: usize,
    pub(crate) run: fn(&ProgressBar) -> Result<Vec<Row>>,
}

/// The unit of both sides' times.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    Micros,
    Millis,
    /// A relative error instead of a time.
    Relative,
}

impl Unit {
    const fn per_second(self) -> f64 {
        match self {
            Self::Micros => 1e6,
            Self::Millis => 1e3,
            Self::Relative => 1.0,
        }
    }

    fn show(self, number: f64) -> String {
        let name = match self {
            Self::Micros => "us",
            Self::Millis => "ms",
            Self::Relative => return format!("{number:.1e}"),
        };
        let decimals = if number < 10.0 { 3 } else { 1 };
        format!("{number:.decimals$} {name}")
    }
}

/// A result with its goal and both measurements.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    key: &'static str,
    unit: Unit,
    /// Booster's time or error, in `unit`.
    ours: f64,
    /// The rival's time or error, in `unit`.
    rival: f64,
    /// The rival's name.
    against: &'static str,
    /// The quantity that the goal applies to.
    number: Spread,
    /// The upper limit on the number.
    goal: f64,
}

impl Row {
    /// Creates a row whose number is the ratio of the two times.
    pub(crate) fn ratio(
        key: &'static str,
        comparison: Comparison,
        unit: Unit,
        against: &'static str,
        goal: f64,
    ) -> Self {
        let in_unit = |spread: Spread| spread.median * unit.per_second();
        let (ours, rival) = (in_unit(comparison.ours), in_unit(comparison.rival));
        Self { key, unit, ours, rival, against, number: comparison.ratio, goal }
    }

    /// Creates a row whose number is booster's time or error, in `unit`. Times are passed in seconds.
    pub(crate) fn time(
        key: &'static str,
        ours: Spread,
        rival: Spread,
        unit: Unit,
        against: &'static str,
        goal: f64,
    ) -> Self {
        let number = ours.times(unit.per_second());
        Self { key, unit, ours: number.median, rival: rival.median * unit.per_second(), against, number, goal }
    }

    fn show(&self, number: f64) -> String {
        match self.unit {
            Unit::Micros | Unit::Millis => format!("{number:.3}"),
            Unit::Relative => self.unit.show(number),
        }
    }

    fn is_reached(&self) -> bool {
        self.number.median <= self.goal
    }

    /// Returns the cells of the row, with those of other rivals by column.
    fn cells(&self, columns: &[&String], others: &Others) -> Vec<String> {
        let Spread { lower_quartile, median, upper_quartile, interval: [low, high] } = self.number;
        let mut cells = vec![
            self.key.to_owned(),
            self.unit.show(self.ours),
            self.unit.show(self.rival),
            self.against.to_owned(),
            self.show(median),
            format!("{} .. {}", self.show(low), self.show(high)),
            format!("{} .. {}", self.show(lower_quartile), self.show(upper_quartile)),
            format!("<= {}", self.goal),
            if self.is_reached() { "ok" } else { "not yet" }.to_owned(),
        ];
        let of_key = others.get(self.key);
        cells.extend(columns.iter().map(|&column| {
            let number = of_key.and_then(|numbers| numbers.get(column));
            number.map_or_else(|| "-".to_owned(), |&number| self.unit.show(number))
        }));
        cells
    }
}

/// The times of other rivals by key and name, in the unit of the key's row.
pub(crate) type Others = BTreeMap<String, BTreeMap<String, f64>>;

const HEADING: [&str; 9] = ["key", "ours", "rival", "", "number", "95 % interval", "quartiles", "goal", ""];

/// Formats the rows as an aligned table.
pub(crate) fn table(rows: &[Row], others: &Others) -> String {
    let mut columns = others.values().flat_map(BTreeMap::keys).collect::<Vec<_>>();
    columns.sort();
    columns.dedup();
    let mut lines = vec![HEADING.map(str::to_owned).to_vec()];
    lines[0].extend(columns.iter().map(|&column| column.clone()));
    lines.extend(rows.iter().map(|row| row.cells(&columns, others)));
    align(&lines)
}

fn align(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths = (0..lines.first().map_or(0, Vec::len)).map(width).collect::<Vec<_>>();
    let pad = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(pad).collect::<Vec<_>>().join("\n")
}

/// Writes the rows' numbers to a file as `{"key": number}`, keeping the other keys of earlier runs.
///
/// # Errors
/// Returns an error if the file cannot be written, or has another format.
pub(crate) fn keep(rows: &[Row], path: &Path) -> Result<()> {
    let mut numbers = match fs::read_to_string(path) {
        Ok(text) => serde_json::from_str::<Map<String, Value>>(&text)
            .with_context(|| format!("`{}` is not a JSON object; remove it", path.display()))?,
        Err(_) => Map::new(),
    };
    numbers.extend(rows.iter().map(|row| (row.key.to_owned(), row.number.median.into())));
    let text = serde_json::to_string_pretty(&numbers).context("cannot convert the numbers to JSON")?;
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text + "\n")
    };
    write().with_context(|| format!("writing `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &'static str, ratio: f64) -> Row {
        let comparison = Comparison::of([(ratio * 2e-6, 2e-6)].into_iter()).unwrap();
        Row::ratio(key, comparison, Unit::Micros, "tch", 1.25)
    }

    #[test]
    fn the_table_shows_which_goals_are_reached() {
        let others = Others::from([("slow".to_owned(), [("PyTorch".to_owned(), 210.0)].into())]);
        let table = table(&[row("fast", 1.25), row("slow", 1.5)], &others);
        let lines = [
            "key   ours      rival          number  95 % interval   quartiles       goal              PyTorch",
            "fast  2.500 us  2.000 us  tch  1.250   1.250 .. 1.250  1.250 .. 1.250  <= 1.25  ok       -",
            "slow  3.000 us  2.000 us  tch  1.500   1.500 .. 1.500  1.500 .. 1.500  <= 1.25  not yet  210.0 us",
        ];
        assert_eq!(table, lines.join("\n"));
    }

    #[test]
    fn the_number_of_a_time_is_in_its_unit() {
        let spread = |number: f64| Spread::of([number].into_iter()).unwrap();
        let row = Row::time("key", spread(0.5e-6), spread(1e-6), Unit::Micros, "tch", 0.25);
        assert_eq!((row.number.median, row.ours, row.rival), (0.5, 0.5, 1.0));
        assert!(!row.is_reached());
    }

    #[test]
    fn earlier_keys_are_kept_and_the_same_key_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target/bench.json");
        keep(&[row("first", 1.5), row("second", 2.0)], &path).unwrap();
        keep(&[row("second", 1.25)], &path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::json!({ "first": 1.5, "second": 1.25 }));
    }

    #[test]
    fn a_file_with_other_content_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.json");
        fs::write(&path, "[1]").unwrap();
        assert!(keep(&[row("first", 1.0)], &path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "[1]");
    }
}
