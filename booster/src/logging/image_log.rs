//! Logging of images.

use super::image::Image;
use super::sink::{Point, PointData, Sink};
use crate::error::Result;

impl Image {
    /// Writes the image to a sink with the tag `group/name`.
    ///
    /// # Errors
    /// Returns an error if the sink does.
    pub fn log(&self, sink: &mut (impl Sink + ?Sized), group: &str, name: &str, step: u64) -> Result<()> {
        sink.points(step, &[Point { group, name, data: PointData::Image(self) }])
    }
}
