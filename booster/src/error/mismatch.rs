//! Mismatches between expected and found values.

/// The subject of an [`Error::Mismatch`](super::Error::Mismatch).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// An argument.
    Argument {
        /// The operation that received the argument.
        operation: String,
        /// The argument's name.
        name: &'static str,
    },
    /// A tensor operand, given by its operation, and by its name if the operation has several operands.
    Operand(&'static str),
    /// A variable of a model, given by its path in the store.
    Variable(String),
    /// A field of diagnostics.
    Field {
        /// The field's group.
        group: &'static str,
        /// The field's name.
        name: &'static str,
    },
}

/// Formats an [`Error::Mismatch`](super::Error::Mismatch).
pub(super) fn mismatch(subject: &Subject, expected: &str, found: &str) -> String {
    match subject {
        Subject::Argument { operation, name } => format!("{operation}: `{name}` must be {expected}, got {found}"),
        Subject::Operand(operation) => format!("{operation}: expected {expected}, found {found}"),
        Subject::Variable(name) => format!("variable `{name}`: expected {expected}, found {found}"),
        Subject::Field { group, name } => format!("`{group}/{name}`: expected {expected}, found {found}"),
    }
}
