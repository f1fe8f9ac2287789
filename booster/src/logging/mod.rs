//! Where summaries go.

mod image;
mod sink;
mod tensorboard;

use std::io;
use std::path::Path;

pub use self::image::Image;
pub use self::sink::{Buckets, Point, PointData, Sink};
pub use self::tensorboard::TensorBoard;
use crate::error::Error;

fn io_error(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    Error::Io { operation, path: path.to_owned(), cause }
}
