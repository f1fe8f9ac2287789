//! The one interface of all places that summaries go to.

use crate::error::Result;

/// A number with its group and name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scalar<'a> {
    /// The group: `loss`.
    pub group: &'a str,
    /// The name in the group: `nll`.
    pub name: &'a str,
    /// The value.
    pub value: f64,
}

/// A place that summaries go to: a file, a dashboard, a test's list.
///
/// ```
/// use booster::logging::{Scalar, Sink};
///
/// /// Keeps each value as text.
/// struct Lines(Vec<String>);
///
/// impl Sink for Lines {
///     fn scalars(&mut self, step: u64, scalars: &[Scalar<'_>]) -> booster::Result<()> {
///         self.0.extend(scalars.iter().map(|scalar| format!("{step} {}/{} {}", scalar.group, scalar.name, scalar.value)));
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "summaries cannot be written to `{Self}`",
    label = "not a sink",
    note = "`TensorBoard` is one; for a place of your own, implement `booster::logging::Sink`"
)]
pub trait Sink {
    /// Writes the numbers of one step, as one event where the format has such.
    ///
    /// # Errors
    /// Where they cannot be written.
    fn scalars(&mut self, step: u64, scalars: &[Scalar<'_>]) -> Result<()>;

    /// Makes sure that all that was written has reached its place.
    ///
    /// # Errors
    /// Where it cannot.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
