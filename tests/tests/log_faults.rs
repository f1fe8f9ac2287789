//! Logs on disks that fail for a while, and logs read during a run.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use booster::functional::image_grid;
use booster::logging::{Curves, Image, Point, PointData, Sink, TensorBoard, TextLog};
use booster::tch::nn::VarStore;
use booster::tch::{Device, Kind, Tensor};
use booster::training::Ema;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn scalar(name: &str, number: f64) -> Point<'_> {
    Point { group: "loss", name, data: PointData::Scalar(number) }
}

/// Returns the records of an event file, each from its length to its last checksum, or an error if the file has other
/// content.
fn records(path: &Path) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let bytes = fs::read(path)?;
    let (mut rest, mut records) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let length = rest.get(..8).ok_or("a torn length")?;
        let length = 16 + usize::try_from(u64::from_le_bytes(length.try_into()?))?;
        let (record, after) = rest.split_at_checked(length).ok_or("a torn record")?;
        records.push(record.to_vec());
        rest = after;
    }
    Ok(records)
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(5), "{what}: not within 5 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_event_is_in_the_file_within_five_seconds_though_nothing_follows_it() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    let path = tensorboard.path().to_owned();
    assert_eq!(records(&path)?.len(), 1, "the version");
    for step in 1..=2 {
        tensorboard.points(step, &[scalar("train", 1.0)])?;
        tensorboard.points(step, &[scalar("validation", 1.0)])?;
        let expected = 1 + 2 * usize::try_from(step)?;
        wait_until("both events", || records(&path).is_ok_and(|records| records.len() == expected));
    }
    // As with `exit`, which drops nothing.
    std::mem::forget(tensorboard);
    assert_eq!(records(&path)?.len(), 5);
    Ok(())
}

#[test]
fn many_events_and_large_ones_come_in_order_and_whole() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    let path = tensorboard.path().to_owned();
    let image = Image::from_tensor(&image_grid(&Tensor::rand([64, 3, 32, 32], (Kind::Float, Device::Cpu)), 8, 1)?)?;
    for step in 0..3000 {
        tensorboard.points(step, &[scalar("nll", step as f64)])?;
        if step % 1000 == 500 {
            image.log(&mut tensorboard, "samples", "prior", step)?;
        }
    }
    drop(tensorboard);
    let records = records(&path)?;
    assert_eq!(records.len(), 1 + 3000 + 3);
    let scalars = records.iter().skip(1).filter(|record| record.len() < 1000).collect::<Vec<_>>();
    for (step, record) in scalars.iter().enumerate() {
        // Each record has a distinct float as its value.
        assert!(record.windows(4).any(|bytes| bytes == (step as f32).to_le_bytes()), "{step}");
    }
    Ok(())
}

#[test]
fn flushed_events_are_in_the_file_whoever_writes_them() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut tensorboard = TensorBoard::create(folder.path())?;
    for step in 0..500 {
        tensorboard.points(step, &[scalar(&"x".repeat(100), 1.0)])?;
        tensorboard.flush()?;
        assert_eq!(records(tensorboard.path())?.len(), 2 + usize::try_from(step)?);
    }
    Ok(())
}

/// Runs a test on its own file system of `size` bytes, if this user may mount one.
#[cfg(target_os = "linux")]
fn on_a_small_disk(size: &str, test: impl FnOnce(&Path) -> Outcome) -> Outcome {
    let folder = tempfile::tempdir()?;
    let option = format!("size={size}");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &option, "tmpfs"]).arg(folder.path()).status()?;
    if !mount.success() {
        eprintln!("skipped: this user may not mount a file system");
        return Ok(());
    }
    let outcome = test(folder.path());
    Command::new("umount").arg(folder.path()).status()?;
    outcome
}

#[test]
#[ignore = "mounts a file system, which only root may; `cargo xtask test` runs it"]
#[cfg(target_os = "linux")]
fn events_before_and_after_a_full_disk_are_all_readable() -> Outcome {
    on_a_small_disk("64k", |folder| {
        let filler = folder.join("filler");
        fs::write(&filler, vec![0; 40 << 10])?;
        let mut tensorboard = TensorBoard::create(folder.join("run"))?;
        let path = tensorboard.path().to_owned();
        let (mut written, mut failed) = (Vec::new(), 0);
        for step in 0..600 {
            match tensorboard.points(step, &[scalar(&format!("of_{step:05}_{}", "x".repeat(40)), 1.0)]) {
                Ok(()) => written.push(step),
                Err(error) => {
                    assert!(error.to_string().contains("No space left"), "{error}");
                    failed += 1;
                    fs::remove_file(&filler).ok();
                }
            }
            if failed > 0 && written.len() > 400 {
                break;
            }
        }
        assert!(failed > 0, "the disk was never full");
        tensorboard.flush()?;
        let records = records(&path)?;
        assert_eq!(records.len(), 1 + written.len());
        for (record, step) in records.iter().skip(1).zip(&written) {
            let tag = format!("loss/of_{step:05}_");
            assert!(record.windows(tag.len()).any(|bytes| bytes == tag.as_bytes()), "{tag}");
        }
        Ok(())
    })
}

#[test]
#[ignore = "mounts a file system, which only root may; `cargo xtask test` runs it"]
#[cfg(target_os = "linux")]
fn a_disk_that_was_full_for_a_while_loses_nothing_that_was_taken() -> Outcome {
    on_a_small_disk("16k", |folder| {
        let mut tensorboard = TensorBoard::create(folder)?;
        let path = tensorboard.path().to_owned();
        let filler = folder.join("filler");
        // tmpfs allocates whole pages: all that remain, and the rest of the file's last page.
        let mut size = 16 << 10;
        while size > 0 && fs::write(&filler, vec![0; size]).is_err() {
            size -= 4 << 10;
        }
        let fill = "y".repeat(5000);
        tensorboard.points(0, &[scalar(&fill, 1.0)])?;
        assert!(tensorboard.flush().is_err());
        assert_eq!(records(&path)?.len(), 1, "no part of the event is left");
        // Writing resumes without another call.
        fs::remove_file(&filler)?;
        wait_until("the event", || records(&path).is_ok_and(|records| records.len() == 2));
        tensorboard.points(1, &[scalar("nll", 1.0)])?;
        tensorboard.flush()?;
        assert_eq!(records(&path)?.len(), 3);
        Ok(())
    })
}

#[test]
#[ignore = "mounts a file system, which only root may; `cargo xtask test` runs it"]
#[cfg(target_os = "linux")]
fn averages_that_find_no_room_are_an_error_and_leave_those_before() -> Outcome {
    on_a_small_disk("64k", |folder| {
        let (small, large) = (VarStore::new(Device::Cpu), VarStore::new(Device::Cpu));
        let _ = small.root().f_zeros_no_train("weight", &[10])?;
        let _ = large.root().f_zeros_no_train("weight", &[100_000])?;
        for file in ["averages.safetensors", "averages.ot"] {
            let path = folder.join(file);
            Ema::new(&small, 0.9)?.save(&path)?;
            let before = fs::read(&path)?;
            let error = Ema::new(&large, 0.9)?.save(&path).expect_err("no room").to_string();
            assert!(error.contains(file) && error.contains("No space left"), "{error}");
            assert!(fs::read(&path)? == before && fs::read_dir(folder)?.count() == 1, "{file}");
            fs::remove_file(&path)?;
        }
        Ok(())
    })
}

#[test]
#[ignore = "mounts a file system, which only root may; `cargo xtask test` runs it"]
#[cfg(target_os = "linux")]
fn a_line_and_a_picture_are_written_whole_or_not_at_all() -> Outcome {
    on_a_small_disk("128k", |folder| {
        let (path, picture, png) = (folder.join("train.log"), folder.join("curves.svg"), folder.join("image.png"));
        let mut log = TextLog::create(&path)?;
        let mut curves = Curves::create(&picture, "train")?;
        curves.points(1, &[scalar("nll", 1.0)])?;
        curves.flush()?;
        let noise = |height| Image::from_tensor(&Tensor::rand([3, height, 64], (Kind::Float, Device::Cpu)));
        noise(4)?.save_png(&png)?;
        let (of_picture, of_png) = (fs::read(&picture)?, fs::read(&png)?);
        // The file's last page is not full, so part of a line fits there.
        log.points(0, &[scalar("nll", 0.123_456_789)])?;
        let filler = folder.join("filler");
        let mut size = 128 << 10;
        while size > 0 && fs::write(&filler, vec![0; size]).is_err() {
            size -= 4 << 10;
        }
        let (mut written, mut failed) = (1, 0);
        while failed == 0 {
            match log.points(written, &[scalar(&"z".repeat(700), 0.123_456_789)]) {
                Ok(()) => written += 1,
                Err(_) => failed += 1,
            }
        }
        curves.points(2, &[scalar("nll", 2.0)])?;
        assert!(curves.flush().is_err() && noise(40)?.save_png(&png).is_err());
        assert_eq!((fs::read(&picture)?, fs::read(&png)?), (of_picture, of_png), "as they were");
        assert_eq!(fs::read_dir(folder)?.count(), 4, "nothing is left beside them");
        fs::remove_file(&filler)?;
        log.points(written, &[scalar("nll", 2.5)])?;
        curves.flush()?;
        let text = fs::read_to_string(&path)?;
        let lines = text.lines().collect::<Vec<_>>();
        assert_eq!(lines.len() as u64, written + 1);
        assert!(lines[..lines.len() - 1].iter().all(|line| line.ends_with(" 0.123456789")));
        assert_eq!(lines.last(), Some(&format!("step {written}  loss/nll 2.5").as_str()));
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn a_closed_pipe_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status()?.success());
    let reader = {
        let path = path.clone();
        std::thread::spawn(move || -> std::io::Result<Vec<u8>> {
            let mut line = vec![0; 22];
            fs::File::open(path)?.read_exact(&mut line)?;
            Ok(line)
        })
    };
    let mut log = TextLog::create(&path)?;
    log.points(1, &[scalar("nll", 0.25)])?;
    assert_eq!(reader.join().map_err(|_| "the reader panicked")??, b"step 1  loss/nll 0.25\n");
    let error = log.points(2, &[scalar("nll", 0.5)]).expect_err("nobody reads").to_string();
    assert!(error.starts_with("cannot write to `") && error.contains("Broken pipe"), "{error}");
    Ok(())
}

#[test]
fn a_picture_replaces_the_file_that_a_link_names_and_writes_into_a_device() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (there, link) = (folder.path().join("there.svg"), folder.path().join("link.svg"));
    fs::write(&there, "before")?;
    std::os::unix::fs::symlink(&there, &link)?;
    let mut curves = Curves::replace(&link, "train")?;
    curves.points(1, &[scalar("nll", 1.0)])?;
    curves.flush()?;
    assert!(fs::symlink_metadata(&link)?.is_symlink() && fs::read_to_string(&there)?.starts_with("<svg "));
    assert_eq!(fs::read_dir(folder.path())?.count(), 2);
    Image::from_tensor(&Tensor::rand([1, 2, 2], (Kind::Float, Device::Cpu)))?.save_png("/dev/null")?;
    assert!(!fs::symlink_metadata("/dev/null")?.is_file());
    Ok(())
}

#[test]
fn curves_of_any_numbers_are_drawn() -> Outcome {
    let folder = tempfile::tempdir()?;
    let numbers =
        [0.0, 5e-324, -1e-300, 2.3e-16, 1.0, 1.0 + f64::EPSILON, 9_007_199_254_740_993.0, 1e300, f64::MAX, f64::MIN];
    let mut curves = Curves::create(folder.path().join("curves.svg"), "train")?;
    let names = numbers.iter().flat_map(|one| numbers.iter().map(move |other| format!("{one:e} {other:e}")));
    let pairs = numbers.iter().flat_map(|&one| numbers.map(|other| [one, other]));
    for (name, [one, other]) in names.zip(pairs) {
        curves.points(0, &[scalar(&name, one)])?;
        curves.points(u64::MAX, &[scalar(&name, other)])?;
    }
    // In a thread, so that a hang is detected.
    let drawn = std::thread::spawn(move || curves.flush());
    wait_until("the picture", || drawn.is_finished());
    drawn.join().map_err(|_| "it panicked")??;
    Ok(())
}

#[test]
fn a_run_that_goes_on_after_half_a_line_begins_one_of_its_own() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("train.log");
    fs::write(&path, "step 1  loss/nll 0.25\nstep 2  loss/nll 0.2")?;
    for step in 3..=4 {
        TextLog::append(&path)?.points(step, &[scalar("nll", 0.5)])?;
    }
    let text = fs::read_to_string(&path)?;
    let expected = ["step 1  loss/nll 0.25", "step 2  loss/nll 0.2", "step 3  loss/nll 0.5", "step 4  loss/nll 0.5"];
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    Ok(())
}

#[test]
fn threads_that_replace_one_file_leave_one_of_theirs_whole() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(format!("{}.png", "n".repeat(250)));
    let gray = |height: i64| Image::from_tensor(&Tensor::full([1, height, 64], 0.5, (Kind::Float, Device::Cpu)));
    let images = (1..=4).map(gray).collect::<booster::Result<Vec<_>>>()?;
    let whole = images.iter().map(Image::to_png).collect::<booster::Result<Vec<_>>>()?;
    let outcome = std::thread::scope(|scope| {
        let write = |image| {
            let path = &path;
            scope.spawn(move || (0..100).try_for_each(|_| Image::save_png(image, path)))
        };
        let writers = images.iter().map(write).collect::<Vec<_>>();
        writers.into_iter().try_for_each(|writer| writer.join().expect("no panic"))
    });
    outcome?;
    assert!(whole.contains(&fs::read(&path)?));
    assert_eq!(fs::read_dir(folder.path())?.count(), 1);
    Ok(())
}

#[test]
#[cfg(unix)]
fn a_file_that_is_replaced_keeps_its_permissions() -> Outcome {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("private.png");
    fs::write(&path, "")?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Image::from_tensor(&Tensor::zeros([1, 1, 1], (Kind::Float, Device::Cpu)))?.save_png(&path)?;
    assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
    Ok(())
}

#[test]
fn a_step_that_event_files_cannot_hold_is_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    let error = TensorBoard::create(folder.path())?.points(u64::MAX, &[]).expect_err("too great").to_string();
    assert!(error.contains("step") && error.contains("18446744073709551615"), "{error}");
    Ok(())
}
