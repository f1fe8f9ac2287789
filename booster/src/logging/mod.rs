//! Where summaries go.

mod curves;
mod image;
mod several;
mod sink;
mod tensorboard;
mod text_log;

use std::io;
use std::path::Path;

pub use self::curves::Curves;
pub use self::image::Image;
pub use self::sink::{Buckets, Point, PointData, Sink};
pub use self::tensorboard::TensorBoard;
pub use self::text_log::TextLog;
use crate::error::Error;

fn io_error(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    Error::Io { operation, path: path.to_owned(), cause }
}
