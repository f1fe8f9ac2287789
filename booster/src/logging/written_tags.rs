//! Detection of duplicate tags.

use std::collections::HashMap;

use super::sink::Point;
use super::steps::Steps;
use crate::error::{Error, Result};

/// The tags and steps written to a sink, to reject a tag written twice at the same step.
///
/// Two values with the same tag and step would overwrite each other, or draw a zigzag.
/// [`TensorBoard`](super::TensorBoard), [`TextLog`](super::TextLog) and [`Curves`](super::Curves) use this type; a sink
/// of your own needs a field and a call:
///
/// ```
/// use booster::logging::{Point, PointData, Sink, WrittenTags};
///
/// #[derive(Default)]
/// struct Count {
///     points: usize,
///     written: WrittenTags,
/// }
///
/// impl Sink for Count {
///     fn points(&mut self, step: u64, points: &[Point<'_>]) -> booster::Result<()> {
///         self.written.once(step, points, || {
///             self.points += points.len();
///             Ok(())
///         })
///     }
/// }
///
/// # fn main() -> booster::Result<()> {
/// let mut count = Count::default();
/// let nll = Point { group: "loss", name: "nll", data: PointData::Scalar(0.5) };
/// count.points(1, &[nll])?;
/// count.points(2, &[nll])?;
/// let error = count.points(2, &[nll]).expect_err("again").to_string();
/// assert!(error.starts_with("`loss/nll` was already written at step 2"));
/// assert_eq!(count.points, 2);
/// # Ok(())
/// # }
/// ```
///
/// The record lasts as long as the sink, so a resumed run can write its steps again to a new one. Evenly spaced steps
/// take constant memory per tag.
#[derive(Debug, Default)]
pub struct WrittenTags {
    index: HashMap<String, usize>,
    tags: Vec<WrittenTag>,
    calls: u64,
    /// A reused buffer for the tag to look up.
    tag: String,
    /// A reused buffer for the tags of the current call.
    found: Vec<usize>,
}

#[derive(Debug, Default)]
struct WrittenTag {
    steps: Steps,
    /// The last call with this tag.
    call: u64,
}

impl WrittenTags {
    /// Calls `write`, and records the points as written if it succeeds.
    ///
    /// # Errors
    /// Returns [`Error::DuplicateTag`] if a tag was already written at `step`, without calling `write`; or the error of
    /// `write`, after which the points may be written again.
    pub fn once(&mut self, step: u64, points: &[Point<'_>], write: impl FnOnce() -> Result<()>) -> Result<()> {
        self.calls += 1;
        self.found.clear();
        for point in points {
            let index = self.index_of(point);
            let tag = &mut self.tags[index];
            if tag.call == self.calls || tag.steps.contains(step) {
                return Err(Error::DuplicateTag { tag: self.tag.clone(), step });
            }
            tag.call = self.calls;
            self.found.push(index);
        }
        write()?;
        for &index in &self.found {
            self.tags[index].steps.insert(step);
        }
        Ok(())
    }

    fn index_of(&mut self, point: &Point<'_>) -> usize {
        self.tag.clear();
        self.tag.extend([point.group, "/", point.name]);
        if let Some(&index) = self.index.get(&self.tag) {
            return index;
        }
        self.index.insert(self.tag.clone(), self.tags.len());
        self.tags.push(WrittenTag::default());
        self.tags.len() - 1
    }
}
