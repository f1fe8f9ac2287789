//! Reports of NaN or infinite values.

use std::fmt;

/// A report of the non-finite values of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonFiniteReport {
    /// The field's group.
    pub group: &'static str,
    /// The field.
    pub field: &'static str,
    /// The zero-based index of the first update with a non-finite value.
    pub update: u64,
    /// The number of skipped values; 0 except under [`NonFinite::Skip`](crate::NonFinite::Skip).
    pub skipped: u64,
}

impl fmt::Display for NonFiniteReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, field, update, skipped } = self;
        write!(
            formatter,
            "`{group}/{field}` first became non-finite in update {} (counted from 1)",
            update.saturating_add(1)
        )?;
        if *skipped > 0 {
            write!(formatter, "; skipped {skipped} values")?;
        }
        Ok(())
    }
}
