//! The Python rivals: `python/rivals.py`, run with the user's interpreter.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::report::Others;
use crate::workspace;

/// An interpreter with torch and torchmetrics.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
}

impl Python {
    /// Checks that the interpreter has the required packages.
    ///
    /// # Errors
    /// Returns an error if the program does not exist or lacks a package.
    pub(crate) fn new(program: &Path) -> Result<Self> {
        let python = Self { program: program.to_owned() };
        let output = python.command().args(["-c", "import torch, torchmetrics"]).output();
        let output = output.with_context(|| format!("`{}` cannot be started", program.display()))?;
        if output.status.success() {
            return Ok(python);
        }
        let mut text = format!("`{}` cannot import torch and torchmetrics", program.display());
        if let Some(line) = last_line(&output) {
            // Writing to a `String` cannot fail.
            let _ = write!(text, " ({line})");
        }
        bail!("{text}; install them with `{} -m pip install torch torchmetrics`", program.display());
    }

    /// Measures the rivals' times for some keys.
    ///
    /// # Errors
    /// Returns an error if the script fails.
    pub(crate) fn measure<'a>(&self, keys: impl Iterator<Item = &'a &'static str>) -> Result<Others> {
        let script = workspace::root().join("benches/python/rivals.py");
        let mut command = self.command();
        command.arg(script).args(keys).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().context("the rivals in Python cannot be started")?;
        if !output.status.success() {
            bail!("the rivals in Python failed: {}", output.status);
        }
        serde_json::from_slice(&output.stdout).context("the rivals in Python printed invalid JSON")
    }

    fn command(&self) -> Command {
        Command::new(&self.program)
    }
}

fn last_line(output: &Output) -> Option<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    errors.trim().lines().last().map(str::to_owned)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_without_torch_is_told_what_to_install() {
        let error = Python::new(Path::new("/bin/false")).unwrap_err().to_string();
        assert!(error.contains("cannot import torch"), "{error}");
        assert!(error.contains("/bin/false -m pip install torch torchmetrics"), "{error}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Python::new(Path::new("/nowhere/python")).unwrap_err();
        assert_eq!(error.to_string(), "`/nowhere/python` cannot be started");
    }
}
