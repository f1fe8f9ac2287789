//! A report of values that are NaN or infinite.

use std::fmt;

/// The first values of a field that were not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonFiniteReport {
    /// The field's group.
    pub group: &'static str,
    /// The field.
    pub field: &'static str,
    /// The first update that had one, counted from 0.
    pub update: u64,
    /// How many values were left out: under [`NonFinite::Skip`](crate::NonFinite::Skip) alone.
    pub skipped: u64,
}

impl fmt::Display for NonFiniteReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, field, update, skipped } = self;
        write!(
            formatter,
            "`{group}/{field}` is not finite, first in update {}, counted from 1",
            update.saturating_add(1)
        )?;
        if *skipped > 0 {
            write!(formatter, "; {skipped} values were left out")?;
        }
        Ok(())
    }
}
