//! The interface of all sinks.

use super::Image;
use crate::error::Result;
use crate::histogram::Histogram;

/// A value to log, with its group and name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point<'a> {
    /// The group, such as `loss`.
    pub group: &'a str,
    /// The name within the group, such as `nll`.
    pub name: &'a str,
    /// The value.
    pub data: PointData<'a>,
}

/// The value of a [`Point`].
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

/// A destination for summaries, such as a file or a dashboard.
///
/// `&mut S` and `Box<S>` are sinks if `S` is one, including `dyn Sink`; a tuple or `Vec` of sinks writes to all of
/// them. [`SinkExt::under`](super::SinkExt::under) adds a prefix to tags. The sinks of this module reject a tag already
/// written at the same step ([`Error::DuplicateTag`](crate::Error::DuplicateTag)); use
/// [`WrittenTags`](super::WrittenTags) to do the same in your own.
///
/// ```
/// use booster::logging::{Point, PointData, Sink};
///
/// /// Stores each number as text.
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
    note = "`TensorBoard` is a sink; for a sink of your own, implement `booster::logging::Sink`",
    note = "for a writer from another crate, implement it on a struct that wraps the writer"
)]
pub trait Sink {
    /// Writes the points of one step, as a single event if the format has events.
    ///
    /// # Errors
    /// Returns an error if writing fails, or if a tag was already written at that step.
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()>;

    /// Flushes buffered points to their destination.
    ///
    /// # Errors
    /// Returns an error if writing fails.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
