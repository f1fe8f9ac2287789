//! Validation of schedule arguments.

use crate::error::{Error, Result};

/// An invalid argument.
pub(super) struct Argument {
    pub(super) kind: &'static str,
    pub(super) name: &'static str,
    pub(super) found: f64,
}

impl Argument {
    pub(super) fn must_be(self, expected: &'static str) -> Error {
        Error::argument(format!("{} schedule", self.kind), self.name, expected, self.found.to_string())
    }
}

pub(super) fn finite(kind: &'static str, arguments: &[(&'static str, f64)]) -> Result<()> {
    match arguments.iter().find(|argument| !argument.1.is_finite()) {
        Some(&(name, found)) => Err(Argument { kind, name, found }.must_be("finite")),
        None => Ok(()),
    }
}
