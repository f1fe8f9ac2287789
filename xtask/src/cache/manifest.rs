//! The marker of a complete folder: its identity and the size of each file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

const FILE: &str = ".complete";

/// Writes the manifest of `folder`. No file may be added afterwards.
pub(super) fn write(folder: &Path, identity: &str) -> Result<()> {
    let mut text = format!("{identity}\n");
    for (path, size) in super::files(folder)? {
        writeln!(text, "{size} {path}")?;
    }
    let path = folder.join(FILE);
    let context = || format!("writing `{}`", path.display());
    let mut file = File::create_new(&path).with_context(context)?;
    file.write_all(text.as_bytes()).with_context(context)?;
    file.sync_all().with_context(context)
}

/// Compares `folder` with its manifest.
///
/// # Errors
/// Returns the first difference: a missing manifest, a different identity, or a file that is missing or has a
/// different size.
pub(super) fn verify(folder: &Path, identity: &str) -> Result<()> {
    let text = fs::read_to_string(folder.join(FILE)).context("it is incomplete (no `.complete` file)")?;
    let mut lines = text.lines();
    let found = lines.next().unwrap_or_default();
    ensure!(found == identity, "expected `{identity}`, found `{found}`");
    for line in lines {
        let Some((Ok(size), path)) = line.split_once(' ').map(|(size, path)| (size.parse::<u64>(), path)) else {
            bail!("its `.complete` file has a malformed line `{line}`");
        };
        let found = folder.join(path).symlink_metadata().with_context(|| format!("`{path}` is missing"))?.len();
        ensure!(found == size, "expected `{path}` to have {size} bytes, found {found}");
    }
    Ok(())
}
