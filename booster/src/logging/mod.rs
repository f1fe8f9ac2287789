//! Where summaries go.

mod curves;
mod image;
mod several;
mod sink;
mod tensorboard;
mod text_log;
mod writer;

use std::io;
use std::path::Path;

pub use self::curves::Curves;
pub use self::image::Image;
pub use self::sink::{Buckets, Point, PointData, Sink};
pub use self::tensorboard::TensorBoard;
pub use self::text_log::TextLog;
use crate::error::{Error, Result};

/// Makes a folder, and those that it lies in, where it is not there.
fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| io_error("create the folder", folder, cause))
}

/// Writes a file as a whole: after an error it is as it was before.
fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let write = || match std::fs::canonicalize(path) {
        // A device, a pipe or a folder cannot be replaced.
        Ok(there) if !there.is_file() => std::fs::write(path, content),
        Ok(there) => replace(&there, content),
        Err(_) => replace(path, content),
    };
    write().map_err(|cause| io_error("write to", path, cause))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let written = std::fs::write(&beside, content).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // It may not even be there; the first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn io_error(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    Error::Io { operation, path: path.to_owned(), cause }
}
