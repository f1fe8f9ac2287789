//! Human-readable text logs.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Point, PointData, Sink, WrittenTags, io_error, make_folder, refuse_content};
use crate::error::Result;

/// A sink that writes a line of text for each summary: `step 12  loss/nll 0.2713  metrics/accuracy 0.9187`.
///
/// Numbers round-trip exactly. Histograms and images are left out. Each line is written immediately, and whole or
/// not at all, since a truncated number would be a different number. A resumed run [appends](Self::append) to the file,
/// on a new line even if the last one was cut off.
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
///
/// assert!(TextLog::create(&path).is_err());
/// TextLog::append(&path)?.points(2, &[Point { group: "loss", name: "nll", data: PointData::Scalar(0.38) }])?;
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok(())
/// # }
/// ```
pub struct TextLog {
    lines: Lines,
    written: WrittenTags,
}

struct Lines {
    path: PathBuf,
    file: File,
    /// Whether the file ends in a partial line that could not be removed.
    is_torn: bool,
}

impl TextLog {
    /// Creates a log in a missing or empty file, and creates any missing folders.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if the file is not empty (use [`append`](Self::append) to continue it),
    /// or if it or its folder cannot be created.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        refuse_content(path.as_ref(), "use `TextLog::append` to continue it")?;
        Self::append(path)
    }

    /// Opens a log for appending, as in a resumed run, and creates it if missing.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if the file or its folder cannot be created or opened.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let file = file.map_err(|cause| io_error("open", &path, cause))?;
        let is_torn = ends_in_part_of_a_line(&path).map_err(|cause| io_error("read the end of", &path, cause))?;
        Ok(Self { lines: Lines { path, file, is_torn }, written: WrittenTags::default() })
    }
}

impl Lines {
    fn write(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        let mut line = format!("{}step {step}", if self.is_torn { "\n" } else { "" });
        for point in points {
            if let PointData::Scalar(number) = point.data {
                // Writing to a `String` cannot fail.
                let _ = write!(line, "  {}/{} {number}", point.group, point.name);
            }
        }
        line.push('\n');
        self.append(line.as_bytes()).map_err(|cause| io_error("write to", &self.path, cause))
    }

    /// Writes a whole line or nothing.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < line.len() {
            match self.file.write(&line[written..]) {
                Ok(0) => return Err(self.take_back(written, io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.take_back(written, error)),
            }
        }
        self.is_torn = false;
        Ok(())
    }

    /// Removes the partial line that an error left behind.
    fn take_back(&mut self, written: usize, error: io::Error) -> io::Error {
        if written > 0 {
            let length = self.file.metadata().map(|file| file.len().saturating_sub(written as u64));
            // A pipe cannot be truncated, so the next line starts with a newline.
            self.is_torn = length.and_then(|length| self.file.set_len(length)).is_err();
        }
        error
    }
}

/// Returns `true` if a file lacks its final newline, as after a process was killed while writing.
fn ends_in_part_of_a_line(path: &Path) -> io::Result<bool> {
    let about = std::fs::metadata(path)?;
    if !about.is_file() || about.len() == 0 {
        return Ok(false);
    }
    let (mut file, mut last) = (File::open(path)?, [0]);
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Sink for TextLog {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        self.written.once(step, points, || self.lines.write(step, points))
    }
}

impl fmt::Debug for TextLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TextLog").field("path", &self.lines.path).finish_non_exhaustive()
    }
}
