//! TensorBoard event files.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use protobuf::{Message, RepeatedField};
use tensorboard_proto::event::Event;
use tensorboard_proto::summary::{HistogramProto, Summary, Summary_Image, Summary_Value};
use tensorboard_rs::record_writer::RecordWriter;

use super::writer::BackgroundWriter;
use super::{Image, Point, PointData, Sink, WrittenTags, io_error, make_folder};
use crate::error::{Error, Result};
use crate::histogram::Histogram;

/// A sink that writes a TensorBoard event file, with a scalar, histogram or image `group/name` for each value and one
/// event for each summary.
///
/// Each sink has its own file, so several can share a folder. A background thread writes events to the file within 5
/// seconds, and [`flush`](Sink::flush) or dropping the sink does so at once. If that thread fails, the next call
/// returns the error and discards its own event; earlier events are kept and retried. The file never contains partial
/// events.
///
/// ```
/// use booster::logging::{Point, PointData, Sink, TensorBoard};
///
/// # fn main() -> booster::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("booster-doc-{}", std::process::id()));
/// let mut tensorboard = TensorBoard::create(&folder)?;
/// tensorboard.points(1, &[Point { group: "loss", name: "nll", data: PointData::Scalar(0.41) }])?;
/// tensorboard.flush()?;
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok(())
/// # }
/// ```
pub struct TensorBoard {
    writer: BackgroundWriter,
    written: WrittenTags,
}

impl TensorBoard {
    /// Creates a new event file in a folder, which is created if missing.
    ///
    /// TensorBoard shows all event files of a folder as one run: resume a run in the same folder, and start a new run
    /// in a new one.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the folder or the file cannot be created or written.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        make_folder(folder)?;
        let (path, file) = create_file(folder)?;
        let writer = BackgroundWriter::new(path, file)?;
        let mut version = Event::new();
        version.set_wall_time(wall_time());
        version.set_file_version("brain.Event:2".to_owned());
        write(&writer, &version)?;
        writer.flush()?;
        Ok(Self { writer, written: WrittenTags::default() })
    }

    /// Returns the path of the event file.
    pub fn path(&self) -> &Path {
        self.writer.path()
    }
}

impl Sink for TensorBoard {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        self.written.once(step, points, || write(&self.writer, &event(step, points)?))
    }

    fn flush(&mut self) -> Result<()> {
        self.writer.flush()
    }
}

impl fmt::Debug for TensorBoard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TensorBoard").field("path", &self.path()).finish_non_exhaustive()
    }
}

fn write(writer: &BackgroundWriter, event: &Event) -> Result<()> {
    let bytes = event.write_to_bytes().map_err(Error::custom)?;
    let mut record = Vec::with_capacity(bytes.len() + 16);
    RecordWriter::new(&mut record).write(&bytes).map_err(|cause| io_error("write to", writer.path(), cause))?;
    writer.write(&record)
}

fn event(step: u64, points: &[Point<'_>]) -> Result<Event> {
    let mut summary = Summary::new();
    summary.set_value(RepeatedField::from_vec(points.iter().map(value).collect::<Result<_>>()?));
    let mut event = Event::new();
    event.set_wall_time(wall_time());
    event.set_step(
        i64::try_from(step)
            .map_err(|_| Error::argument("write an event", "step", "at most 9223372036854775807", step.to_string()))?,
    );
    event.set_summary(summary);
    Ok(event)
}

fn value(point: &Point<'_>) -> Result<Summary_Value> {
    let mut value = Summary_Value::new();
    value.set_tag(format!("{}/{}", point.group, point.name));
    match point.data {
        PointData::Scalar(number) => value.set_simple_value(number as f32),
        PointData::Histogram(buckets) => value.set_histo(histogram(buckets)),
        PointData::Image(image) => value.set_image(encoded(image)?),
    }
    Ok(value)
}

/// Encodes an image as PNG. TensorBoard's color space is the number of channels: 1 is gray, 3 is RGB.
fn encoded(image: &Image) -> Result<Summary_Image> {
    let size = |length: u32| i32::try_from(length).map_err(Error::custom);
    let mut encoded = Summary_Image::new();
    encoded.set_height(size(image.height())?);
    encoded.set_width(size(image.width())?);
    encoded.set_colorspace(if image.is_gray() { 1 } else { 3 });
    encoded.set_encoded_image_string(image.to_png()?);
    Ok(encoded)
}

/// Converts a histogram. TensorBoard identifies a bucket by its upper edge; the first one starts at the minimum.
fn histogram(buckets: &Histogram) -> HistogramProto {
    let mut histogram = HistogramProto::new();
    histogram.set_min(buckets.min);
    histogram.set_max(buckets.max);
    histogram.set_num(buckets.counts.iter().sum());
    histogram.set_sum(buckets.sum);
    histogram.set_sum_squares(buckets.sum_squares);
    histogram.set_bucket_limit(buckets.edges.iter().skip(1).copied().collect());
    histogram.set_bucket(buckets.counts.clone());
    histogram
}

/// Creates a file with a unique name: time in seconds, host, process and counter.
fn create_file(folder: &Path) -> Result<(PathBuf, File)> {
    let second = wall_time() as u64;
    let host = gethostname::gethostname().to_string_lossy().replace(['/', '\\'], "-");
    let process = std::process::id();
    for counter in 0.. {
        let path = folder.join(format!("events.out.tfevents.{second:010}.{host}.{process}.{counter}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error("create the event file", &path, error)),
        }
    }
    Err(io_error("create an event file in", folder, io::ErrorKind::AlreadyExists.into()))
}

/// Returns the number of seconds since 1970.
fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64())
}
