//! `cargo xtask bench`: booster's numbers beside its rivals'.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::setup;
use crate::workspace::Workspace;

/// Builds the benchmarks, runs those that contain `filter`, and returns their exit code.
pub(crate) fn run(workspace: &Workspace, python: Option<&Path>, filter: Option<&str>) -> Result<ExitCode> {
    setup::ensure(workspace)?;
    let status = command(workspace, python, filter)?.status().context("cargo could not be started")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The command that builds and runs the benchmarks.
fn command(workspace: &Workspace, python: Option<&Path>, filter: Option<&str>) -> Result<Command> {
    let mut command = workspace.cargo(["run", "--release", "--package", "booster-benches", "--"]);
    if let Some(python) = python {
        command.arg("--python");
        // A path, other than a name, is relative to where the user is, and the benchmarks run elsewhere.
        if python.components().count() > 1 {
            command.arg(std::path::absolute(python).context("the interpreter's path")?);
        } else {
            command.arg(python);
        }
    }
    command.args(filter);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(python: Option<&str>, filter: Option<&str>) -> Vec<String> {
        let workspace = Workspace::find().unwrap();
        let command = command(&workspace, python.map(Path::new), filter).unwrap();
        let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
        arguments.skip_while(|argument| argument != "--").skip(1).collect()
    }

    #[test]
    fn the_filter_and_the_interpreter_reach_the_benchmarks() {
        assert_eq!(arguments(None, None), [""; 0]);
        assert_eq!(arguments(Some("python3"), Some("step")), ["--python", "python3", "step"]);
    }

    #[test]
    fn a_relative_path_of_the_interpreter_is_made_absolute() {
        let found = arguments(Some("venv/bin/python"), None);
        assert!(Path::new(&found[1]).is_absolute() && found[1].ends_with("venv/bin/python"), "{found:?}");
    }
}
