//! Atomic file writes.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// Writes a file atomically: on error, the old content is kept.
pub(crate) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    write_whole(path, |to| std::fs::write(to, content).map_err(|cause| io_error("write to", path, cause)))
}

/// Replaces a file atomically. `write` gets the path of a temporary file; on error, the old content is kept.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    match std::fs::canonicalize(path) {
        // Devices, pipes and folders cannot be replaced by a rename.
        Ok(there) if !there.is_file() => write(path),
        Ok(there) => replace(&there, write),
        Err(_) => replace(path, write),
    }
}

fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    // The name is unique across threads and processes. It does not extend the file's own name, which may already be
    // as long as the file system allows.
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
        // The temporary file may not exist; the first error is the one to report.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

pub(crate) fn io_error(operation: &'static str, path: &Path, cause: io::Error) -> Error {
    Error::Io { operation, path: path.to_owned(), cause }
}
