//! `cargo xtask demo`: builds and runs an example from a bare checkout.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::setup;
use crate::workspace::Workspace;

/// Runs the example `name` and returns its exit code.
pub(crate) fn run(workspace: &Workspace, name: &str, arguments: &[OsString]) -> Result<ExitCode> {
    setup::ensure(workspace)?;
    let status = command(workspace, name, arguments).status().context("cannot start cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Returns the command that builds and runs the example `name`.
pub(crate) fn command(workspace: &Workspace, name: &str, arguments: &[OsString]) -> Command {
    let mut command = workspace.cargo(["run", "--release", "--package", "booster-examples", "--bin", name, "--"]);
    command.args(arguments);
    command
}
