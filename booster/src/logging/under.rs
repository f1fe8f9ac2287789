//! A prefix for tags.

use std::fmt;

use super::sink::{Point, Sink};
use crate::error::Result;

/// Prefixes for the tags of a sink.
///
/// Every [`Sink`] implements it, also `dyn Sink`. The prelude brings its method into scope.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sink, whose tags could have a prefix",
    label = "not a sink",
    note = "`TensorBoard` is one; for a place of your own, implement `booster::logging::Sink`",
    note = "for another crate's writer, implement it on a struct of yours that holds the writer"
)]
pub trait SinkExt: Sink {
    /// The same sink under a prefix: the tag `loss/nll` becomes `generator/loss/nll`.
    ///
    /// The prefix comes before the group, since TensorBoard groups tags by their first part: all that one of several models
    /// measures, or one of several data sets, is together. A prefix may have several parts, and prefixes nest.
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

/// A sink whose tags get a prefix: see [`SinkExt::under`].
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
