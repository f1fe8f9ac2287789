//! `cargo xtask ci`: every check that a change must pass, in one command.

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::steps::Steps;
use crate::workspace::Workspace;
use crate::{demo, own_crate, setup, test};

/// Runs the checks in order and stops at the first failure.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    steps.command("format", &mut workspace.cargo(["fmt", "--all", "--check"]))?;
    steps.run("libtorch", || setup::ensure(workspace))?;
    clippy(workspace, &mut steps)?;
    steps.command("documentation", workspace.cargo(["doc", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    steps.command("documentation without libtorch", &mut docs_rs(workspace))?;
    let packages = steps.run("Python packages", || test::required_packages(workspace))?;
    let tests = test::steps(workspace, &mut steps, &packages)?;
    packages_build(workspace, &mut steps)?;
    steps.command(
        "examples",
        &mut workspace.cargo(["build", "--release", "--package", "booster-examples", "--bins", "--examples"]),
    )?;
    let no_arguments: [OsString; 0] = [];
    steps.command("demo", &mut demo::command(workspace, "classification", &no_arguments))?;
    steps.run("own crate", || own_crate::run(workspace))?;
    println!("\nall checks passed\n{}\n{tests}", steps.table());
    Ok(())
}

/// Builds the documentation as docs.rs does.
fn docs_rs(workspace: &Workspace) -> Command {
    let mut doc = workspace.cargo(["doc", "--no-deps", "--package", "booster-tch", "--package", "booster-sys"]);
    doc.args(["--features", "doc-only"]).env("CARGO_TARGET_DIR", workspace.ui_target());
    doc.env("RUSTDOCFLAGS", "-D warnings").env_remove("LIBTORCH");
    doc
}

/// Builds the packages as they would be published, without libtorch.
///
/// In an existing folder, cargo would reuse an old package with the same version.
fn packages_build(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    fs::create_dir_all(workspace.ui_target()).context("creating the target folder")?;
    let target = tempfile::tempdir_in(workspace.ui_target()).context("creating a temporary folder")?;
    let mut package = workspace.cargo(["package", "--quiet", "--allow-dirty", "--offline"]);
    package.args(["booster-derive", "booster-sys", "booster-tch"].iter().flat_map(|name| ["--package", name]));
    package.args(["--features", "doc-only"]).env("CARGO_TARGET_DIR", target.path());
    steps.command("packages", &mut package)
}

fn clippy(workspace: &Workspace, steps: &mut Steps) -> Result<()> {
    let strict = ["--all-targets", "--", "-D", "warnings"];
    // Code that needs CUDA is checked but not run.
    steps.command("clippy", workspace.cargo(["clippy", "--features", "booster-tests/cuda-tests"]).args(strict))?;
    steps.command("clippy of xtask", workspace.cargo(["clippy", "--package", "xtask"]).args(strict))?;
    steps.command(
        "clippy of ui-tests",
        workspace
            .cargo(["clippy", "--package", "booster-ui-tests"])
            .args(strict)
            .env("CARGO_TARGET_DIR", workspace.ui_target()),
    )
}
