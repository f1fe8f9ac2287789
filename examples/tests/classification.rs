//! The program `classification`, run from the command line.

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::Outcome;

const PROGRAM: &str = env!("CARGO_BIN_EXE_classification");

/// Runs the program in `folder` with space-separated `arguments`.
fn run(folder: &Path, arguments: &str) -> std::io::Result<Output> {
    common::run(PROGRAM, folder, arguments)
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn entries(folder: &Path) -> std::io::Result<usize> {
    Ok(fs::read_dir(folder)?.count())
}

#[test]
fn two_epochs_learn_and_log() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), "--epochs 2")?;
    assert!(output.status.success(), "{}", complaint(&output));

    let text = printed(&output);
    let last = text.lines().last().unwrap_or_default();
    let accuracy: f64 = last.strip_prefix("test accuracy ").ok_or("unexpected last line")?.parse()?;
    assert!(accuracy > 0.9, "{text}");
    assert!(text.contains("tensorboard --logdir runs\n"), "{text}");
    assert!(complaint(&output).lines().any(|line| line.starts_with("epoch 2/2: ")), "{}", complaint(&output));
    for part in ["train", "test"] {
        assert_eq!(entries(&folder.path().join("runs/classification-1").join(part))?, 1);
    }
    Ok(())
}

#[test]
fn the_seed_decides_every_number() -> Outcome {
    let folder = tempfile::tempdir()?;
    let lines = |arguments: &str| run(folder.path(), arguments).map(|output| printed(&output));
    let first = lines("--epochs 1 --log-dir log --seed 3")?;
    assert!(first.contains("nll"), "{first}");
    assert_eq!(first, lines("--epochs 1 --log-dir log --seed 3")?);
    assert_ne!(first, lines("--epochs 1 --log-dir log --seed 4")?);
    Ok(())
}

#[test]
fn the_mlp_learns_too() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), "--model mlp --epochs 3 --label-smoothing 0.1 --batch-size 32 --device cpu")?;
    assert!(output.status.success(), "{}", complaint(&output));
    let text = printed(&output);
    let accuracy: f64 = text.trim_end().rsplit(' ').next().unwrap_or_default().parse()?;
    assert!(accuracy > 0.9, "{text}");
    Ok(())
}

#[test]
fn concurrent_runs_write_to_their_own_folders() -> Outcome {
    let folder = tempfile::tempdir()?;
    let both: Result<Vec<_>, _> = std::thread::scope(|scope| {
        let runs = [(); 2].map(|()| scope.spawn(|| run(folder.path(), "--epochs 1")));
        runs.into_iter().map(|run| run.join().map_err(|_| "a run panicked")).collect()
    });
    for output in both? {
        assert!(output?.status.success());
    }
    assert_eq!(entries(&folder.path().join("runs"))?, 2);
    Ok(())
}

#[test]
fn a_run_with_missing_data_ends_before_it_writes_files() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), "--data nowhere")?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(complaint(&output), "error: `nowhere` is not a folder\n");
    assert_eq!((printed(&output).as_str(), entries(folder.path())?), ("", 0));

    let output = run(folder.path(), "--data .")?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        complaint(&output),
        "error: no images in `.`: looked for train-images-idx3-ubyte, train-images.idx3-ubyte, \
         train-images-idx3-ubyte.gz, train-images.idx3-ubyte.gz\n"
    );
    assert_eq!((printed(&output).as_str(), entries(folder.path())?), ("", 0));
    Ok(())
}

#[test]
fn corrupt_data_is_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("mnist"))?;
    fs::write(folder.path().join("mnist/train-images-idx3-ubyte"), [0, 0, 8, 3, 0, 0])?;
    let output = run(folder.path(), "--data mnist")?;
    assert_eq!(output.status.code(), Some(1));
    let expected = "error: `mnist/train-images-idx3-ubyte`: truncated: expected 16 bytes, found 6\n";
    assert_eq!((complaint(&output).as_str(), printed(&output).as_str()), (expected, ""));
    assert_eq!(entries(folder.path())?, 1);
    Ok(())
}

#[test]
fn an_invalid_log_folder_is_rejected_before_training() -> Outcome {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("file"), "")?;
    let output = run(folder.path(), "--device cpu --log-dir file/log")?;
    assert_eq!(output.status.code(), Some(1));
    let complaint = complaint(&output);
    assert!(complaint.starts_with("error: cannot create the folder `file/log`: "), "{complaint}");
    assert_eq!((complaint.lines().count(), printed(&output).as_str()), (1, ""));

    fs::write(folder.path().join("runs"), "")?;
    let output = run(folder.path(), "")?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(printed(&output), "");
    Ok(())
}

#[test]
fn values_out_of_range_are_rejected_with_the_expected_range() -> Outcome {
    let refused = [
        ("--batch-size 0", "expected a positive integer"),
        ("--epochs 0", "expected a positive integer"),
        ("--threads 0", "0 is not in 1..=1024"),
        ("--learning-rate nan", "expected a positive number"),
        ("--label-smoothing 1.5", "expected a number from 0 to 1"),
        ("--device gpu", "expected auto, cpu, cuda, cuda:N or mps"),
        ("--model rnn", "possible values: cnn, mlp"),
    ];
    common::refuses(PROGRAM, &refused)
}
