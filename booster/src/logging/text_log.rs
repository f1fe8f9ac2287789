//! A log for people and grep.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{Point, PointData, Sink, io_error, make_folder};
use crate::error::Result;

/// A sink that writes a line of text for each summary: `step 12  loss/nll 0.2713  metrics/accuracy 0.9187`.
///
/// Numbers are written in full: read again they are the same. Histograms and images are left out. The file is appended
/// to, so that a run that goes on keeps what it has, and each line is there once it is written.
///
/// ```
/// use booster::logging::{Point, PointData, Sink, TextLog};
///
/// # fn main() -> booster::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("booster-text-{}", std::process::id()));
/// # std::fs::remove_dir_all(&folder).ok();
/// let path = folder.join("train.log");
/// let mut log = TextLog::create(&path)?;
/// log.points(1, &[Point { group: "loss", name: "nll", data: PointData::Scalar(0.41) }])?;
/// assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("step 1  loss/nll 0.41\n"));
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok(())
/// # }
/// ```
pub struct TextLog {
    path: PathBuf,
    file: BufWriter<File>,
}

impl TextLog {
    /// Opens a file to append to; it and its folder are made where they are not there.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) with what cannot be made or opened.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file = BufWriter::new(file.map_err(|cause| io_error("open", &path, cause))?);
        Ok(Self { path, file })
    }
}

impl Sink for TextLog {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        let mut line = format!("step {step}");
        for point in points {
            if let PointData::Scalar(number) = point.data {
                // Writing to a `String` cannot fail.
                let _ = write!(line, "  {}/{} {number}", point.group, point.name);
            }
        }
        writeln!(self.file, "{line}").map_err(|cause| io_error("write to", &self.path, cause))?;
        self.flush()
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|cause| io_error("write to", &self.path, cause))
    }
}

impl fmt::Debug for TextLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TextLog").field("path", &self.path).finish_non_exhaustive()
    }
}
