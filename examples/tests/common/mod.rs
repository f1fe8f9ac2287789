//! Helpers for the tests of the programs.
// Each test file uses only some of them.
#![allow(dead_code)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Runs a program in `folder` with space-separated `arguments`.
pub(crate) fn run(program: &str, folder: &Path, arguments: &str) -> std::io::Result<Output> {
    Command::new(program).args(arguments.split_whitespace()).current_dir(folder).output()
}

/// Checks that each argument is rejected with a usage error that says what is expected, before anything is written.
pub(crate) fn refuses(program: &str, refused: &[(&str, &str)]) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (arguments, expected) in refused {
        let output = run(program, folder.path(), arguments)?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        // clap exits with 2 on usage errors.
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(complaint.contains(expected), "{arguments}: {complaint}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}
