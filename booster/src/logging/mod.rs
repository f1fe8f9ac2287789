//! Sinks for summaries: TensorBoard, text logs, plots and your own.
//!
//! `create` never changes an existing file: [`TensorBoard::create`] adds an event file to the folder, and TensorBoard
//! shows all files of a folder as one run; [`TextLog::create`] and [`Curves::create`] reject a file that is not empty.
//! To continue or overwrite it, use [`TextLog::append`] or [`Curves::replace`].

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

use std::io;
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

/// Rejects a path with a non-empty file; `remedy` names the alternative.
fn refuse_content(path: &Path, remedy: &str) -> Result<()> {
    let holds_content = std::fs::metadata(path).is_ok_and(|there| there.is_file() && there.len() > 0);
    let cause = || io::Error::new(io::ErrorKind::AlreadyExists, format!("the file already exists; {remedy}"));
    if holds_content { Err(io_error("create", path, cause())) } else { Ok(()) }
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|cause| io_error("create the folder", folder, cause))
}
