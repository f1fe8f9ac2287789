//! A log for people and grep.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Point, PointData, Sink, WrittenTags, io_error, make_folder, refuse_content};
use crate::error::Result;

/// A sink that writes a line of text for each summary: `step 12  loss/nll 0.2713  metrics/accuracy 0.9187`.
///
/// Numbers are written in full: read again they are the same. Histograms and images are left out. Each line
/// is in the file once it is written: as a whole, since half a number would be another one. A run that is resumed
/// [appends](Self::append) to the file, on a line of its own even where the last one was cut off.
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
    /// Whether the file ends in a part of a line that could not be taken back.
    is_torn: bool,
}

impl TextLog {
    /// Creates a log in a file that does not exist, or is empty, and its folder where that is missing.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if the file holds something ([`append`](Self::append) goes on with it), or if
    /// it or its folder cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        refuse_content(path.as_ref(), "`TextLog::append` goes on with it")?;
        Self::append(path)
    }

    /// Opens a log to append to, as a resumed run does, and creates it if it does not exist.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if the file or its folder cannot be made or opened.
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

    /// Writes a line, or nothing.
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

    /// Cuts off what an error left of a line.
    fn take_back(&mut self, written: usize, error: io::Error) -> io::Error {
        if written > 0 {
            let length = self.file.metadata().map(|file| file.len().saturating_sub(written as u64));
            // A pipe keeps it: there the next line begins with an end of line.
            self.is_torn = length.and_then(|length| self.file.set_len(length)).is_err();
        }
        error
    }
}

/// Whether a file's last line has no end: a process was killed as it wrote it, say.
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
