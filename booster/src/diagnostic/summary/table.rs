//! Tables of summaries.

use std::fmt;

use super::text::shown;
use super::{Named, Summary, named};
use crate::diagnostic::schema::Schema;
use crate::diagnostic::value::Values;

/// A table of summaries with a row per metric and a column per summary.
///
/// The summaries may be of different types; a metric missing from one is shown as `-`.
///
/// ```
/// use booster::prelude::*;
///
/// #[derive(Diagnostic)]
/// struct Measured {
///     #[group = "loss"]
///     nll: f64,
///     #[group = "metrics"]
///     accuracy: f64,
/// }
///
/// # fn main() -> booster::Result<()> {
/// let train = Measured { nll: 0.25, accuracy: 0.96875 }.summary()?;
/// let validation = Measured { nll: 10.5, accuracy: 0.9375 }.summary()?;
/// let table = SummaryTable::new().column("train", &train).column("validation", &validation);
/// assert_eq!(
///     table.to_string(),
///     "                   train   validation\n\
///      loss     nll       0.2500  10.5000\n\
///      metrics  accuracy  0.9688   0.9375"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct SummaryTable {
    titles: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    group: &'static str,
    name: &'static str,
    cells: Vec<String>,
}

impl SummaryTable {
    /// Creates a table without columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column on the right.
    #[must_use]
    pub fn column<S: Summary>(mut self, title: impl Into<String>, summary: &S) -> Self {
        self.add(title.into(), named(&S::SCHEMA, Values::of(summary)));
        self
    }

    fn add(&mut self, title: String, values: Vec<Named>) {
        let column = self.titles.len();
        self.titles.push(title);
        for row in &mut self.rows {
            row.cells.push("-".to_owned());
        }
        for Named { group, name, in_seconds, value } in values {
            let of_group = |row: &Row| row.group == group;
            let cell = shown(&value, in_seconds);
            if let Some(row) = self.rows.iter_mut().find(|row| row.group == group && row.name == name) {
                row.cells[column] = cell;
            } else {
                let end = self.rows.iter().rposition(of_group).map_or(self.rows.len(), |last| last + 1);
                let mut cells = vec!["-".to_owned(); column];
                cells.push(cell);
                self.rows.insert(end, Row { group, name, cells });
            }
        }
    }

    fn width_of(&self, text: impl Fn(&Row) -> &str) -> usize {
        self.rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0)
    }

    /// Returns the cells of a column, below its title if any, with numbers aligned at the decimal point.
    fn aligned(&self, column: usize) -> Vec<String> {
        let before = self.rows.iter().map(|row| before_point(&row.cells[column])).max().unwrap_or(0);
        let indented = self.rows.iter().map(|row| {
            let cell = &row.cells[column];
            format!("{:indent$}{cell}", "", indent = before - before_point(cell))
        });
        let title = Some(self.titles[column].clone()).filter(|_| self.has_titles());
        title.into_iter().chain(indented).collect()
    }

    fn has_titles(&self) -> bool {
        self.titles.iter().any(|title| !title.is_empty())
    }
}

impl fmt::Display for SummaryTable {
    /// Formats aligned rows of group, name and values. A group is shown only on its first row.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group_width, name_width) = (self.width_of(|row| row.group), self.width_of(|row| row.name));
        let heads = self.rows.iter().scan("", |before, row| {
            let group = if *before == row.group { "" } else { row.group };
            *before = row.group;
            Some((group, row.name))
        });
        let head = self.has_titles().then_some(("", ""));
        let mut lines: Vec<String> = head
            .into_iter()
            .chain(heads)
            .map(|(group, name)| format!("{group:group_width$}  {name:name_width$}"))
            .collect();
        for column in 0..self.titles.len() {
            let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
            for (line, cell) in lines.iter_mut().zip(self.aligned(column)) {
                *line = format!("{line:width$}  {cell}");
            }
        }
        formatter.write_str(&lines.join("\n"))
    }
}

/// Formats a summary as a table with a row per metric.
#[doc(hidden)]
pub fn format_summary(schema: &Schema, values: Values, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut table = SummaryTable::new();
    table.add(String::new(), named(schema, values));
    fmt::Display::fmt(&table, formatter)
}

fn before_point(number: &str) -> usize {
    number.find('.').unwrap_or_else(|| number.chars().count())
}
