//! Images to sinks.

use super::image::Image;
use super::sink::{Point, PointData, Sink};
use crate::error::Result;

impl Image {
    /// Writes the image to a sink: the tag `group/name`.
    ///
    /// # Errors
    /// The sink's.
    pub fn log(&self, sink: &mut (impl Sink + ?Sized), group: &str, name: &str, step: u64) -> Result<()> {
        sink.points(step, &[Point { group, name, data: PointData::Image(self) }])
    }
}
