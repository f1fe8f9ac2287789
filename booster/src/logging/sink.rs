//! The one interface of all places that summaries go to.

use super::Image;
use crate::error::Result;
use crate::histogram::Histogram;

/// Something to be shown at a step, with its group and name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    /// The group: `loss`.
    pub group: &'a str,
    /// The name in the group: `nll`.
    pub name: &'a str,
    /// What is shown.
    pub data: PointData<'a>,
}

/// What a point shows.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PointData<'a> {
    /// A number.
    Scalar(f64),
    /// Counts of values in buckets.
    Histogram(&'a Histogram),
    /// An image.
    Image(&'a Image),
}

/// A place that summaries go to: a file, a dashboard, a test's list.
///
/// `&mut S` and `Box<S>` are sinks where `S` is one, also for `dyn Sink`; a tuple or a `Vec` of sinks writes to all of them.
/// [`SinkExt::under`](super::SinkExt::under) puts a prefix before tags. The sinks of this module refuse a tag that was already
/// written at a step ([`Error::DuplicateTag`](crate::Error::DuplicateTag)), as yours does with a
/// [`WrittenTags`](super::WrittenTags).
///
/// ```
/// use booster::logging::{Point, PointData, Sink};
///
/// /// Keeps each number as text.
/// struct Lines(Vec<String>);
///
/// impl Sink for Lines {
///     fn points(&mut self, step: u64, points: &[Point<'_>]) -> booster::Result<()> {
///         for Point { group, name, data } in points {
///             if let PointData::Scalar(value) = data {
///                 self.0.push(format!("{step} {group}/{name} {value}"));
///             }
///         }
///         Ok(())
///     }
/// }
///
/// fn report(sink: &mut dyn Sink) -> booster::Result<()> {
///     sink.points(3, &[Point { group: "loss", name: "nll", data: PointData::Scalar(0.5) }])
/// }
///
/// # fn main() -> booster::Result<()> {
/// let mut lines = Lines(Vec::new());
/// report(&mut lines)?;
/// assert_eq!(lines.0, ["3 loss/nll 0.5"]);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "summaries cannot be written to `{Self}`",
    label = "not a sink",
    note = "`TensorBoard` is one; for a place of your own, implement `booster::logging::Sink`",
    note = "for another crate's writer, implement it on a struct of yours that holds the writer"
)]
pub trait Sink {
    /// Writes what is shown at one step, as one event where the format has such.
    ///
    /// # Errors
    /// Returns an error if it cannot be written, or if a tag was already written at that step.
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()>;

    /// Makes sure that all that was written has reached its place.
    ///
    /// # Errors
    /// Where it cannot.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
