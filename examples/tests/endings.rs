//! Failures of the programs: a one-line error and a non-zero exit code.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Outcome, run};

const CLASSIFICATION: &str = env!("CARGO_BIN_EXE_classification");
const VAE: &str = env!("CARGO_BIN_EXE_vae");
const DATA_PARALLEL: &str = env!("CARGO_BIN_EXE_data_parallel");
const OWN_EVALUATOR: &str = env!("CARGO_BIN_EXE_own_evaluator");

/// Short runs.
const SHORT: [(&str, &str); 4] = [
    (CLASSIFICATION, "--epochs 1 --log-dir log"),
    (VAE, "--epochs 1 --hidden 16 --log-dir log"),
    (DATA_PARALLEL, "--steps 1 --batch-size 8"),
    (OWN_EVALUATOR, ""),
];

/// The error line of a run that must fail.
fn error(program: &str, folder: &Path, arguments: &str) -> Result<String, Box<dyn std::error::Error>> {
    let output = run(program, folder, arguments)?;
    let complaint = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1), "{program} {arguments}: {complaint}");
    // Notes on the device and epochs may precede it.
    let (_, error) =
        format!("\n{complaint}").split_once("\nerror: ").map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or(complaint)?;
    assert_eq!(error.lines().count(), 1, "{program} {arguments}: {error}");
    Ok(error)
}

/// Writes a folder in MNIST's format, with `samples` training and test images of `height` by `width`.
fn mnist(folder: &Path, samples: u8, height: u8, width: u8) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let word = |number: u8| [0, 0, 0, number];
    let pixels = (0..usize::from(samples) * usize::from(height) * usize::from(width)).map(|index| index as u8);
    for part in ["train", "t10k"] {
        let header = [[0, 0, 8, 3], word(samples), word(height), word(width)].concat();
        fs::write(
            folder.join(format!("{part}-images-idx3-ubyte")),
            header.into_iter().chain(pixels.clone()).collect::<Vec<_>>(),
        )?;
        let labels = (0..samples).map(|index| index % 10);
        let header = [[0, 0, 8, 1], word(samples)].concat();
        fs::write(
            folder.join(format!("{part}-labels-idx1-ubyte")),
            header.into_iter().chain(labels).collect::<Vec<_>>(),
        )?;
    }
    Ok(())
}

#[test]
fn images_too_small_for_the_cnn_are_rejected_before_anything_is_written() -> Outcome {
    let folder = tempfile::tempdir()?;
    mnist(&folder.path().join("small"), 4, 3, 3)?;
    assert_eq!(
        error(CLASSIFICATION, folder.path(), "--data small")?,
        "the CNN needs images of at least 8x8 pixels, found 3x3; use `--model mlp`\n"
    );
    assert_eq!(fs::read_dir(folder.path())?.count(), 1);
    for model in ["classification --model mlp", "vae --hidden 16"] {
        let (name, arguments) = model.split_once(' ').unwrap_or_default();
        let program = if name == "vae" { VAE } else { CLASSIFICATION };
        let output = run(program, folder.path(), &format!("--data small --epochs 1 --log-dir log {arguments}"))?;
        assert!(output.status.success(), "{model}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

#[test]
fn the_smallest_images_of_the_cnn_train_one_by_one() -> Outcome {
    let folder = tempfile::tempdir()?;
    mnist(&folder.path().join("small"), 3, 8, 8)?;
    let output = run(CLASSIFICATION, folder.path(), "--data small --epochs 1 --batch-size 1 --log-dir log")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn a_run_that_diverges_names_the_step_and_the_field() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (program, field) in [(CLASSIFICATION, "`loss/nll`"), (VAE, "`loss/elbo`")] {
        let error = error(program, folder.path(), "--learning-rate 1e9 --epochs 2 --log-dir log")?;
        assert!(error.starts_with(field) && error.contains("became non-finite"), "{error}");
        // The largest accepted value.
        self::error(program, folder.path(), "--learning-rate 1e18 --epochs 2 --log-dir log")?;
    }
    Ok(())
}

#[test]
fn a_closed_pipe_is_a_one_line_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (program, arguments) in SHORT {
        let mut child = Command::new(program)
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        drop(child.stdout.take());
        let output = child.wait_with_output()?;
        let complaint = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1), "{program}: {complaint}");
        let last = complaint.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: cannot write to standard output: "), "{program}: {complaint}");
        assert!(!complaint.contains("panicked"), "{program}: {complaint}");
    }
    Ok(())
}

#[test]
fn a_closed_standard_error_does_not_stop_the_program() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (program, arguments) in SHORT {
        let mut child = Command::new(program)
            .args(arguments.split_whitespace())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        drop(child.stderr.take());
        assert!(child.wait_with_output()?.status.success(), "{program}");
    }
    Ok(())
}

#[test]
fn running_out_of_memory_is_a_one_line_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let error = error(DATA_PARALLEL, folder.path(), "--batch-size 1000000000000000")?;
    assert!(error.contains("can't allocate memory"), "{error}");
    Ok(())
}

#[test]
fn a_fallback_to_another_device_than_cuda_says_why() -> Outcome {
    let folder = tempfile::tempdir()?;
    for (program, arguments) in &SHORT[..2] {
        let notes = |device: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            let output = run(program, folder.path(), &format!("{arguments} --device {device}"))?;
            let errors = String::from_utf8(output.stderr)?;
            Ok(errors.lines().filter(|line| line.starts_with("device: ")).map(str::to_owned).collect())
        };
        let expected = booster::functional::why_no_cuda().map(|reason| format!("device: cpu, since {reason}"));
        if !tch::utils::has_mps() {
            assert_eq!(notes("auto")?, expected.into_iter().collect::<Vec<_>>());
        }
        assert_eq!(notes("cpu")?, [""; 0]);
    }
    Ok(())
}
