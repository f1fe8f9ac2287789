//! Command-line values and output.

use std::fmt::Display;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use booster::functional::{available_device, why_no_cuda};
use tch::{Cuda, Device};

/// A device chosen on the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeviceChoice {
    /// The fastest available device.
    Auto,
    /// An available device.
    Device(Device),
}

impl DeviceChoice {
    /// Returns the device; if CUDA was looked for but not found, prints why to standard error.
    pub fn device(self) -> Device {
        match self {
            Self::Device(device) => device,
            Self::Auto => {
                if let Some(reason) = why_no_cuda() {
                    note_line(format_args!("device: {}, since {reason}", name(available_device())));
                }
                available_device()
            }
        }
    }
}

fn name(device: Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda(_) => "cuda",
        Device::Mps => "mps",
        Device::Vulkan => "vulkan",
    }
}

/// Parses a device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the fastest.
///
/// # Errors
/// Returns an error if the text is invalid, or if the device is unavailable.
pub fn device(text: &str) -> Result<DeviceChoice, String> {
    let device = match text {
        "auto" => return Ok(DeviceChoice::Auto),
        "cpu" => Device::Cpu,
        "cuda" => Device::Cuda(0),
        "mps" => Device::Mps,
        _ => {
            let index = text.strip_prefix("cuda:").and_then(|index| index.parse().ok());
            Device::Cuda(index.ok_or("expected auto, cpu, cuda, cuda:N or mps")?)
        }
    };
    match device {
        Device::Cuda(index) => {
            if let Some(reason) = why_no_cuda() {
                return Err(reason);
            }
            let count = Cuda::device_count();
            if index >= count as usize {
                return Err(format!("device `cuda:{index}` is unavailable (CUDA devices found: {count})"));
            }
        }
        Device::Mps if !tch::utils::has_mps() => return Err("no Apple GPU (MPS) is available".to_owned()),
        _ => {}
    }
    Ok(DeviceChoice::Device(device))
}

/// Parses a positive integer, such as `NonZeroUsize`.
///
/// # Errors
/// Returns an error if the text is not a positive integer, or if it is out of range.
pub fn count<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "expected a positive integer".to_owned())
}

/// The largest accepted number: products of larger ones overflow single precision.
const GREATEST: f64 = 1e18;

/// Parses a positive number.
///
/// # Errors
/// Returns an error if the text is not a number, not positive, or above 1e18.
pub fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "a positive number up to 1e18")
}

/// Parses a non-negative number.
///
/// # Errors
/// Returns an error if the text is not a number, negative, or above 1e18.
pub fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "a number from 0 to 1e18")
}

/// Parses a number from 0 to 1.
///
/// # Errors
/// Returns an error if the text is not a number from 0 to 1.
pub fn fraction(text: &str) -> Result<f64, String> {
    number(text, |number| (0.0..=1.0).contains(&number), "a number from 0 to 1")
}

fn number(text: &str, accept: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|&number| number <= GREATEST && accept(number));
    number.ok_or_else(|| format!("expected {expected}"))
}

/// Prints a line to standard output, as formatted by [`print_line!`](crate::print_line).
///
/// # Errors
/// Returns an error, where `println!` panics, if writing fails, as with a closed pipe (`| head`) or a full disk.
pub fn print_line(line: impl Display) -> booster::Result<()> {
    writeln!(io::stdout().lock(), "{line}")
        .map_err(|error| booster::Error::custom(format!("cannot write to standard output: {error}")))
}

/// Prints a line to standard error, ignoring write errors.
pub fn note_line(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Prints any error as one line and returns the exit code.
pub fn end(outcome: booster::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note_line(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Creates a new folder `runs/NAME-1`, or with the next unused number.
///
/// # Errors
/// Returns an error if the folder cannot be created.
pub fn new_run(name: &str) -> booster::Result<PathBuf> {
    new_folder(Path::new("runs"), name)
        .map_err(|error| booster::Error::custom(format!("cannot create a folder for this run in `runs`: {error}")))
}

fn new_folder(parent: &Path, name: &str) -> io::Result<PathBuf> {
    fs::create_dir_all(parent)?;
    let mut number = 1_u64;
    loop {
        let folder = parent.join(format!("{name}-{number}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            // A concurrent run may have just taken this number.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;

    #[test]
    fn the_cpu_is_always_available() {
        assert_eq!(device("cpu"), Ok(DeviceChoice::Device(Device::Cpu)));
        assert_eq!(device("auto").map(DeviceChoice::device), Ok(available_device()));
    }

    #[test]
    fn unknown_devices_are_rejected() {
        for text in ["", "gpu", "cuda0", "cuda:", "cuda:-1", "cuda:x", "CPU"] {
            assert_eq!(device(text), Err("expected auto, cpu, cuda, cuda:N or mps".to_owned()), "{text}");
        }
        assert!(device("cuda:4096").is_err());
    }

    #[test]
    fn counts_start_at_1() {
        assert_eq!(count("1"), Ok(NonZeroU8::MIN));
        for text in ["0", "-1", "1.5", "256", "many", ""] {
            assert_eq!(count::<NonZeroU8>(text), Err("expected a positive integer".to_owned()), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_within_their_range() {
        assert_eq!(positive("1e-3"), Ok(1e-3));
        for text in ["0", "-1", "nan", "inf", "1e300", "fast", ""] {
            assert_eq!(positive(text), Err("expected a positive number up to 1e18".to_owned()), "{text}");
        }
        assert_eq!((not_negative("0"), not_negative("2.5")), (Ok(0.0), Ok(2.5)));
        for text in ["-0.1", "nan", "inf", "1e300", "none"] {
            assert_eq!(not_negative(text), Err("expected a number from 0 to 1e18".to_owned()), "{text}");
        }
        assert_eq!((fraction("0"), fraction("1")), (Ok(0.0), Ok(1.0)));
        for text in ["-0.1", "1.1", "nan", "half"] {
            assert_eq!(fraction(text), Err("expected a number from 0 to 1".to_owned()), "{text}");
        }
    }

    #[test]
    fn every_run_gets_its_own_folder() -> io::Result<()> {
        let parent = tempfile::tempdir()?;
        let runs = parent.path().join("runs");
        for number in 1..=3 {
            assert_eq!(new_folder(&runs, "vae")?, runs.join(format!("vae-{number}")));
        }
        Ok(())
    }
}
