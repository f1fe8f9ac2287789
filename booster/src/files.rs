//! Files that are written as a whole.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes a file as a whole: after an error it is as it was before.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    write_whole(path, |to| std::fs::write(to, content).map_err(|cause| io_error("write to", path, cause)))
}

/// Has a file written as a whole, under the path that is given: after an error it is as it was before.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    match std::fs::canonicalize(path) {
        // A device, a pipe or a folder cannot be replaced.
        Ok(there) if !there.is_file() => write(path),
        Ok(there) => replace(&there, write),
        Err(_) => replace(path, write),
    }
}

fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    // No other thread or process writes to this name, and it is short whatever the file's own is.
    let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_file_name(format!(".booster-{}-{count}.new", std::process::id()));
    let put = || {
        if let Ok(before) = std::fs::metadata(path) {
            std::fs::set_permissions(&beside, before.permissions())?;
        }
        std::fs::rename(&beside, path)
    };
    let written = write(&beside).and_then(|()| put().map_err(|cause| io_error("write to", path, cause)));
    if written.is_err() {
        // It may not even be there; the first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

pub(crate) fn io_error(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    Error::Io { operation, path: path.to_owned(), cause }
}
