//! What the tests of the programs share.
// Each test file uses a part of it.
#![allow(dead_code)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// Runs a program in `folder`, with words of `arguments` between spaces.
pub(crate) fn run(program: &str, folder: &Path, arguments: &str) -> std::io::Result<Output> {
    Command::new(program).args(arguments.split_whitespace()).current_dir(folder).output()
}

/// Each of these arguments is refused as a usage error, with what is expected, before anything is written.
pub(crate) fn refuses(program: &str, refused: &[(&str, &str)]) -> Outcome {
    let folder = tempfile::tempdir()?;
    for (arguments, expected) in refused {
        let output = run(program, folder.path(), arguments)?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        // What clap refuses ends with 2, as usage errors do.
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(complaint.contains(expected), "{arguments}: {complaint}");
    }
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}
