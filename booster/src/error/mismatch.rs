//! What was expected, what was found, and of what.

/// What an [`Error::Mismatch`](super::Error::Mismatch) is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// An argument.
    Argument {
        /// What it was given to.
        operation: String,
        /// Its name.
        name: &'static str,
    },
    /// A tensor that an operation was given: the operation, with the operand where it has several.
    Operand(&'static str),
    /// A variable of a model, by its path in the store.
    Variable(String),
    /// The value of a field of diagnostics.
    Field {
        /// The field's group.
        group: &'static str,
        /// Its name.
        name: &'static str,
    },
}

/// The text of an [`Error::Mismatch`](super::Error::Mismatch).
pub(super) fn mismatch(subject: &Subject, expected: &str, found: &str) -> String {
    match subject {
        Subject::Argument { operation, name } => format!("{operation}: `{name}` is {found}, but has to be {expected}"),
        Subject::Operand(operation) => format!("{operation}: expected {expected}, found {found}"),
        Subject::Variable(name) => format!("variable `{name}`: expected {expected}, found {found}"),
        Subject::Field { group, name } => format!("`{group}/{name}`: expected {expected}, found {found}"),
    }
}
