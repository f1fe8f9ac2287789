//! Event files, as read by TensorBoard's Python reader.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use booster::logging::{Image, Point, PointData, Sink, TensorBoard};
use booster::prelude::*;
use booster::tch::Tensor;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Trained {
    #[group = "loss"]
    nll: Tensor,
    #[group = "metrics"]
    accuracy: Tensor,
    #[group = "metrics"]
    recall: Option<f64>,
}

fn summary(nll: f32, recall: Option<f64>) -> booster::Result<TrainedSummary> {
    Trained { nll: Tensor::from_slice(&[nll]), accuracy: Tensor::from_slice(&[true]), recall }.summary()
}

/// Returns all scalars of a folder: steps and values by tag.
type Scalars = BTreeMap<String, Vec<(u64, f64)>>;

const READER: &str = "
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0}).Reload()
tags = events.Tags()['scalars']
print(json.dumps({tag: [(event.step, repr(float(event.value))) for event in events.Scalars(tag)] for tag in tags}))
";

/// Returns the output of a script for the folder.
fn python(script: &str, folder: &Path) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let packages = std::env::var_os("BOOSTER_TEST_PYTHONPATH")
        .ok_or("BOOSTER_TEST_PYTHONPATH is not set: `cargo xtask test` installs the reader and sets it")?;
    let output = Command::new("python3").args(["-c", script]).arg(folder).env("PYTHONPATH", packages).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(output.stdout)
}

fn read(folder: &Path) -> Result<Scalars, Box<dyn std::error::Error>> {
    let texts: BTreeMap<String, Vec<(u64, String)>> = serde_json::from_slice(&python(READER, folder)?)?;
    let number = |(step, text): (u64, String)| Ok::<_, std::num::ParseFloatError>((step, text.parse()?));
    texts
        .into_iter()
        .map(|(tag, points)| Ok((tag, points.into_iter().map(number).collect::<Result<_, _>>()?)))
        .collect()
}

#[test]
#[ignore = "needs Python's tensorboard; `cargo xtask test` has it"]
fn pythons_reader_finds_each_tag_step_and_value() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    summary(0.75, None)?.log(&mut tensorboard, 0)?;
    summary(0.5, Some(0.25))?.log(&mut tensorboard, 1)?;
    summary(f32::NAN, Some(0.5))?.log(&mut tensorboard, 7)?;
    drop(tensorboard);
    let mut scalars = read(folder.path())?;
    let nll = scalars.remove("loss/nll").ok_or("no nll")?;
    assert_eq!((nll[0], nll[1]), ((0, 0.75), (1, 0.5)));
    assert!(nll[2].0 == 7 && nll[2].1.is_nan());
    assert_eq!(scalars.remove("metrics/accuracy"), Some(vec![(0, 1.0), (1, 1.0), (7, 1.0)]));
    assert_eq!(scalars.remove("metrics/recall"), Some(vec![(1, 0.25), (7, 0.5)]));
    assert!(scalars.is_empty(), "{scalars:?}");
    Ok(())
}

#[derive(Diagnostic)]
struct Spread {
    #[group = "info"]
    #[metric(mean, histogram(0, 4, 4))]
    size: Tensor,
}

const HISTOGRAM_READER: &str = "
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'histograms': 0}).Reload()
value = events.Histograms('info/size_histogram')[0].histogram_value
print(json.dumps([value.min, value.max, value.num, value.sum, value.sum_squares, value.bucket_limit, value.bucket]))
";

#[test]
#[ignore = "needs Python's tensorboard; `cargo xtask test` has it"]
fn pythons_reader_finds_the_histogram_with_its_buckets() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    Spread { size: Tensor::from_slice(&[0.5, 1.5, 1.5, 3.0]) }.log(&mut tensorboard, 2)?;
    drop(tensorboard);
    let found: serde_json::Value = serde_json::from_slice(&python(HISTOGRAM_READER, folder.path())?)?;
    let expected = serde_json::json!([0.5, 3.0, 4.0, 6.5, 13.75, [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 0.0, 1.0]]);
    assert_eq!(found, expected);
    Ok(())
}

const IMAGE_READER: &str = "
import io, json, sys
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'images': 0}).Reload()
def shown(event):
    image = Image.open(io.BytesIO(event.encoded_image_string))
    return [event.step, event.width, event.height, image.mode, image.size, list(image.tobytes())]
print(json.dumps({tag: [shown(event) for event in events.Images(tag)] for tag in events.Tags()['images']}))
";

#[test]
#[ignore = "needs Python's tensorboard; `cargo xtask test` has it"]
fn pythons_reader_finds_each_image_with_its_pixels() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    let colors = Tensor::from_slice(&(0..18).map(|value| value * 14).collect::<Vec<u8>>()).view([3, 2, 3]);
    let (color, gray) = (Image::from_tensor(&colors)?, Image::from_tensor(&colors.narrow(0, 0, 1))?);
    color.log(&mut tensorboard, "samples", "prior", 1)?;
    gray.log(&mut tensorboard, "samples", "prior", 2)?;
    gray.log(&mut tensorboard, "samples/of/one", "class/3", 2)?;
    drop(tensorboard);
    let found: serde_json::Value = serde_json::from_slice(&python(IMAGE_READER, folder.path())?)?;
    let rgb = serde_json::json!([1, 3, 2, "RGB", [3, 2], color.pixels()]);
    let of_grey = serde_json::json!([2, 3, 2, "L", [3, 2], [0, 14, 28, 42, 56, 70]]);
    assert_eq!(found, serde_json::json!({"samples/prior": [rgb, of_grey], "samples/of/one/class/3": [of_grey]}));
    Ok(())
}

#[test]
#[ignore = "needs Python's tensorboard; `cargo xtask test` has it"]
fn pythons_reader_finds_what_two_writers_wrote_in_one_second() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut writers = (0..3).map(|_| TensorBoard::create(folder.path())).collect::<booster::Result<Vec<_>>>()?;
    for (step, writer) in (0..).zip(&mut writers) {
        writer.points(step, &[Point { group: "loss", name: &format!("of_{step}"), data: PointData::Scalar(1.0) }])?;
    }
    drop(writers);
    assert_eq!(read(folder.path())?.len(), 3);
    let files = std::fs::read_dir(folder.path())?.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(files.len(), 3);
    for file in files {
        assert_eq!(read(&file.path())?.len(), 1);
    }
    Ok(())
}

#[test]
fn a_summary_is_one_event() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    let empty = std::fs::metadata(tensorboard.path())?.len();
    summary(0.5, Some(0.5))?.log(&mut tensorboard, 3)?;
    assert_eq!(std::fs::metadata(tensorboard.path())?.len(), empty, "writes are buffered");
    tensorboard.flush()?;
    let bytes = std::fs::read(tensorboard.path())?;
    // A record: its length in 8 bytes, their checksum in 4, the event, its checksum in 4.
    let event = usize::try_from(empty)?;
    let length = u64::from_le_bytes(bytes[event..event + 8].try_into()?);
    assert_eq!(bytes.len(), event + 16 + usize::try_from(length)?);
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_made_is_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("taken");
    std::fs::write(&file, "")?;
    let error = TensorBoard::create(file.join("run")).expect_err("a file is in the way").to_string();
    assert!(error.starts_with("cannot create the folder `") && error.contains("taken/run"), "{error}");
    Ok(())
}

/// A file system of a few pages, to fill up the disk for real.
#[test]
#[ignore = "mounts a file system, which only root may; `cargo xtask test` runs it"]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_and_no_panic() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mount = |arguments: &[&str]| Command::new("mount").args(arguments).arg(folder.path()).status();
    if !mount(&["-t", "tmpfs", "-o", "size=16k", "tmpfs"])?.success() {
        eprintln!("skipped: this user may not mount a file system");
        return Ok(());
    }
    let mut tensorboard = TensorBoard::create(folder.path())?;
    let mut fill = || (0..10_000).try_for_each(|step| summary(0.5, None)?.log(&mut tensorboard, step));
    let error = fill().expect_err("16 KiB hold no 10,000 events").to_string();
    drop(tensorboard);
    Command::new("umount").arg(folder.path()).status()?;
    assert!(error.starts_with("cannot write to `") && error.contains("No space left"), "{error}");
    Ok(())
}
