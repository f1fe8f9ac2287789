//! `cargo xtask bench` and `cargo xtask compare`: compare booster with its rivals.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::setup;
use crate::workspace::Workspace;

/// Builds the benchmarks, runs those whose key contains `filter`, and returns their exit code.
pub(crate) fn run(workspace: &Workspace, python: Option<&Path>, filter: Option<&str>) -> Result<ExitCode> {
    let mut command = command(workspace, "booster-bench", python)?;
    command.args(filter);
    start(workspace, &mut command)
}

/// Builds and runs the cases that other tools get wrong, and returns the program's exit code.
pub(crate) fn compare(workspace: &Workspace, python: Option<&Path>, burn: bool) -> Result<ExitCode> {
    let mut command = command(workspace, "booster-compare", python)?;
    command.args(burn.then_some("--burn"));
    start(workspace, &mut command)
}

fn start(workspace: &Workspace, command: &mut Command) -> Result<ExitCode> {
    setup::ensure(workspace)?;
    let status = command.status().context("cannot start cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Returns the command that builds and runs a program of the benchmarks.
fn command(workspace: &Workspace, program: &str, python: Option<&Path>) -> Result<Command> {
    let arguments = ["run", "--release", "--package", "booster-benches", "--bin", program, "--"];
    let mut command = workspace.cargo(arguments);
    if let Some(python) = python {
        command.arg("--python");
        // A relative path is relative to the user's current folder, but the program runs in a different one.
        if python.components().count() > 1 {
            command.arg(std::path::absolute(python).context("resolving the interpreter's path")?);
        } else {
            command.arg(python);
        }
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(python: Option<&str>) -> Vec<String> {
        let workspace = Workspace::find().unwrap();
        let command = command(&workspace, "booster-bench", python.map(Path::new)).unwrap();
        let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
        arguments.skip_while(|argument| argument != "--").skip(1).collect()
    }

    #[test]
    fn the_interpreter_reaches_the_benchmarks() {
        assert_eq!(arguments(None), [""; 0]);
        assert_eq!(arguments(Some("python3")), ["--python", "python3"]);
    }

    #[test]
    fn a_relative_interpreter_path_is_made_absolute() {
        let found = arguments(Some("venv/bin/python"));
        assert!(Path::new(&found[1]).is_absolute() && found[1].ends_with("venv/bin/python"), "{found:?}");
    }
}
