//! Where summaries go.

mod curves;
mod image;
mod image_log;
mod multi;
mod sink;
mod steps;
mod tensorboard;
mod text_log;
mod under;
mod writer;
mod written_tags;

use std::path::Path;

pub use self::curves::Curves;
pub use self::image::Image;
pub use self::sink::{Point, PointData, Sink};
pub use self::tensorboard::TensorBoard;
pub use self::text_log::TextLog;
pub use self::under::{SinkExt, Under};
pub use self::written_tags::WrittenTags;
use crate::error::Result;
use crate::files::{io_error, write_file};

/// Makes a folder, and those that it lies in, where it is not there.
fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| io_error("create the folder", folder, cause))
}
