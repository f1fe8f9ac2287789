//! Tag prefixes.

use std::fmt;

use super::sink::{Point, Sink};
use crate::error::Result;

/// Extension of [`Sink`] with tag prefixes.
///
/// Every [`Sink`] implements it, including `dyn Sink`. The prelude brings its method into scope.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sink, so its tags cannot have a prefix",
    label = "not a sink",
    note = "`TensorBoard` is a sink; for a sink of your own, implement `booster::logging::Sink`",
    note = "for a writer from another crate, implement it on a struct that wraps the writer"
)]
pub trait SinkExt: Sink {
    /// Adds a prefix to tags: `loss/nll` becomes `generator/loss/nll`.
    ///
    /// The prefix precedes the group, since TensorBoard groups tags by their first part: the metrics of each model or
    /// data set stay together. A prefix may have several parts, and prefixes nest.
    ///
    /// ```
    /// use booster::logging::TextLog;
    /// use booster::prelude::*;
    ///
    /// #[derive(Diagnostic)]
    /// struct Player {
    ///     #[group = "loss"]
    ///     nll: f64,
    /// }
    ///
    /// # fn main() -> booster::Result<()> {
    /// # let folder = std::env::temp_dir().join(format!("booster-under-{}", std::process::id()));
    /// # std::fs::remove_dir_all(&folder).ok();
    /// let path = folder.join("train.log");
    /// let mut log = TextLog::create(&path)?;
    /// Player { nll: 0.5 }.log(&mut log.under("generator"), 1)?;
    /// Player { nll: 0.7 }.log(&mut log.under("discriminator"), 1)?;
    /// let text = std::fs::read_to_string(&path).unwrap_or_default();
    /// assert_eq!(text, "step 1  generator/loss/nll 0.5\nstep 1  discriminator/loss/nll 0.7\n");
    /// # std::fs::remove_dir_all(&folder).ok();
    /// # Ok(())
    /// # }
    /// ```
    fn under(&mut self, prefix: impl Into<String>) -> Under<'_, Self> {
        Under { sink: self, prefix: prefix.into() }
    }
}

impl<S: Sink + ?Sized> SinkExt for S {}

/// A sink that adds a prefix to tags, returned by [`SinkExt::under`].
pub struct Under<'a, S: ?Sized> {
    sink: &'a mut S,
    prefix: String,
}

impl<S: Sink + ?Sized> Sink for Under<'_, S> {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        let groups = points.iter().map(|point| format!("{}/{}", self.prefix, point.group)).collect::<Vec<_>>();
        let points = points.iter().zip(&groups).map(|(&point, group)| Point { group, ..point }).collect::<Vec<_>>();
        self.sink.points(step, &points)
    }

    fn flush(&mut self) -> Result<()> {
        self.sink.flush()
    }
}

impl<S: ?Sized> fmt::Debug for Under<'_, S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Under").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
