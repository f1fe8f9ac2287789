//! Conversions from other errors and from messages.

use tch::TchError;

use super::Error;
use super::mismatch::Subject;

impl Error {
    /// Wraps an error of another type, or a message.
    ///
    /// ```
    /// fn vocabulary(path: &str) -> booster::Result<String> {
    ///     let words = std::fs::read_to_string(path).map_err(booster::Error::custom)?;
    ///     if words.is_empty() {
    ///         return Err("the vocabulary is empty".into());
    ///     }
    ///     Ok(words)
    /// }
    /// assert!(vocabulary("nowhere").is_err());
    /// let error = booster::Error::custom("the vocabulary is empty");
    /// assert_eq!(error.to_string(), "the vocabulary is empty");
    /// ```
    pub fn custom(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Custom(error.into())
    }

    /// Adds the operation that failed as context.
    #[must_use]
    pub fn during(self, operation: impl Into<String>) -> Self {
        Self::During { operation: operation.into(), cause: Box::new(self) }
    }
}

impl Error {
    pub(crate) fn argument(
        operation: impl Into<String>,
        name: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let operation = operation.into();
        Self::mismatch(Subject::Argument { operation, name }, expected, found)
    }

    pub(crate) fn operand(operation: &'static str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::mismatch(Subject::Operand(operation), expected, found)
    }

    pub(crate) fn variable(name: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::mismatch(Subject::Variable(name.into()), expected, found)
    }

    pub(crate) fn leaf(
        group: &'static str,
        name: &'static str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self::mismatch(Subject::Field { group, name }, expected, found)
    }

    fn mismatch(subject: Subject, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Mismatch { subject, expected: expected.into(), found: found.into() }
    }
}

impl From<TchError> for Error {
    fn from(error: TchError) -> Self {
        Self::Torch(error.into())
    }
}

/// Creates an [`Error::Custom`] from a message: `Err("the vocabulary is empty")?`.
impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::custom(message)
    }
}

/// Creates an [`Error::Custom`] from a message: `Err(format!("no word {word}"))?`.
impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::custom(message)
    }
}

/// Wraps a boxed error, such as one converted from `anyhow::Error`.
impl From<Box<dyn std::error::Error + Send + Sync>> for Error {
    fn from(error: Box<dyn std::error::Error + Send + Sync>) -> Self {
        Self::custom(error)
    }
}
