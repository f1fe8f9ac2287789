//! `cargo xtask setup`: installs libtorch for this checkout.
//!
//! A libtorch named by the user is checked but not changed. Otherwise, the CPU or CUDA build is installed into the
//! user's cache, once for all checkouts, and `.libtorch`, to which `.cargo/config.toml` sets `LIBTORCH`, links to it.

mod libtorch;
mod link;
mod provided;

use anyhow::{Context, Result};

pub(crate) use libtorch::Flavor;
use link::Linked;

use crate::workspace::Workspace;

/// The version that tch 0.26 requires (`TORCH_VERSION` in torch-sys).
const VERSION: &str = "2.13.0";

/// Ensures that libtorch is available: the user's, the linked one, or a fresh CPU build.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    if provided::check(workspace)?.is_some() {
        return Ok(());
    }
    let link = workspace.libtorch_link();
    match libtorch::linked(&link) {
        Some(flavor) if libtorch::is_complete(flavor) => Ok(()),
        Some(broken) => install(workspace, broken, false),
        None if provided::folder(&link).is_ok() => Ok(()),
        None => install(workspace, Flavor::Cpu, false),
    }
}

/// Installs and links `flavor`, unless the environment names a libtorch.
pub(crate) fn install(workspace: &Workspace, flavor: Flavor, force: bool) -> Result<()> {
    if let Some(place) = provided::check(workspace)? {
        eprintln!("libtorch {VERSION}: provided by {place}; nothing to install");
        return Ok(());
    }
    let folder = libtorch::install(flavor, force)?;
    let link = workspace.libtorch_link();
    match link::point(&link, &folder)? {
        Linked::Already => {}
        Linked::First => eprintln!("`.libtorch` now points to `{}`", folder.display()),
        Linked::InsteadOf(old) => {
            eprintln!("`.libtorch` now points to `{}`, not to `{}`", folder.display(), old.display());
            forget_builds(workspace)?;
        }
    }
    eprintln!("libtorch {VERSION} ({flavor}): ready in `{}`", folder.display());
    Ok(())
}

/// Removes builds against another libtorch, which torch-sys does not detect since the path `.libtorch` is unchanged.
fn forget_builds(workspace: &Workspace) -> Result<()> {
    for profile in ["dev", "release"] {
        let mut clean = workspace.cargo(["clean", "--quiet", "--package", "torch-sys", "--profile", profile]);
        let output = clean.output().context("`cargo clean` cannot be started")?;
        if !output.status.success() {
            eprintln!("`cargo clean --package torch-sys` failed: run `cargo clean` before the next build");
            break;
        }
    }
    Ok(())
}
