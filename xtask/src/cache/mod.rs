//! Folders in the user's cache that are either complete or rebuilt.
//!
//! A folder is filled in a staging folder and renamed once its manifest is written, so a folder without a matching
//! manifest is broken.

mod manifest;

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A named folder in the cache.
#[derive(Debug)]
pub(crate) struct Slot {
    parent: PathBuf,
    name: String,
    /// A line that identifies the content; a folder with a different line is out of date.
    identity: String,
}

/// The staging folders for the content of a [`Slot`].
#[derive(Debug)]
pub(crate) struct Staging {
    /// The folder to fill, which then becomes the slot's folder.
    pub(crate) content: PathBuf,
    /// Temporary space on the same disk, removed at the end.
    pub(crate) scratch: PathBuf,
}

impl Slot {
    /// Creates the slot `name` in the user's cache folder.
    pub(crate) fn new(name: impl Into<String>, identity: impl Into<String>) -> Result<Self> {
        Ok(Self::inside(root()?, name, identity))
    }

    fn inside(parent: PathBuf, name: impl Into<String>, identity: impl Into<String>) -> Self {
        Self { parent, name: name.into(), identity: identity.into() }
    }

    /// Returns the folder's path, complete or not.
    pub(crate) fn path(&self) -> PathBuf {
        self.parent.join(&self.name)
    }

    /// Returns whether the folder is complete.
    pub(crate) fn is_complete(&self) -> bool {
        manifest::verify(&self.path(), &self.identity).is_ok()
    }

    /// Calls `make` if the folder is incomplete or `force` is set.
    ///
    /// Only one process at a time fills a slot; the others wait, then find it complete. If `make` fails, the cache is
    /// unchanged.
    pub(crate) fn fill(&self, force: bool, make: impl FnOnce(&Staging) -> Result<()>) -> Result<()> {
        if !force && self.is_complete() {
            return Ok(());
        }
        fs::create_dir_all(&self.parent)
            .with_context(|| format!("creating the cache folder `{}`", self.parent.display()))?;
        let _lock = self.lock()?;
        if !force && self.is_complete() {
            return Ok(());
        }
        self.report_broken();
        self.remove_leftovers();

        let place = tempfile::Builder::new()
            .prefix(&self.staging_prefix())
            .tempdir_in(&self.parent)
            .with_context(|| format!("creating a folder in `{}`", self.parent.display()))?;
        let staging = Staging { content: place.path().join("content"), scratch: place.path().join("scratch") };
        fs::create_dir(&staging.content)?;
        fs::create_dir(&staging.scratch)?;
        make(&staging)?;
        manifest::write(&staging.content, &self.identity)?;
        self.publish(&staging)
    }

    fn lock(&self) -> Result<File> {
        let path = self.parent.join(format!("{}.lock", self.name));
        let context = || format!("locking `{}`", path.display());
        let file = File::create(&path).with_context(context)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                eprintln!("waiting for another process to fill `{}`", self.path().display());
                file.lock().with_context(context)?;
            }
            Err(TryLockError::Error(error)) => return Err(error).with_context(context),
        }
        Ok(file)
    }

    fn report_broken(&self) {
        let path = self.path();
        if path.exists()
            && let Err(reason) = manifest::verify(&path, &self.identity)
        {
            eprintln!("rebuilding `{}`: {reason:#}", path.display());
        }
    }

    fn staging_prefix(&self) -> String {
        format!(".{}.", self.name)
    }

    /// Removes leftovers of killed runs. The caller must hold the lock.
    fn remove_leftovers(&self) {
        let prefix = self.staging_prefix();
        for entry in fs::read_dir(&self.parent).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                // Leftovers only cost disk space.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    fn publish(&self, staging: &Staging) -> Result<()> {
        let path = self.path();
        if path.symlink_metadata().is_ok() {
            fs::rename(&path, staging.scratch.join("old"))
                .with_context(|| format!("moving the old `{}` aside", path.display()))?;
        }
        fs::rename(&staging.content, &path).with_context(|| format!("moving the new folder to `{}`", path.display()))
    }
}

/// Returns booster's cache folder: `BOOSTER_CACHE`, or `booster` in the system's cache folder.
fn root() -> Result<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("BOOSTER_CACHE") {
        return std::path::absolute(&folder).with_context(|| format!("BOOSTER_CACHE is `{}`", folder.display()));
    }
    let home = env::home_dir().filter(|home| home.is_absolute());
    let system = if cfg!(target_os = "macos") {
        home.map(|home| home.join("Library/Caches"))
    } else if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        // The XDG base directory specification says to ignore relative paths.
        variable("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| home.map(|home| home.join(".cache")))
    };
    let system = system.context("no cache folder found: set BOOSTER_CACHE")?;
    Ok(system.join("booster"))
}

/// Returns the files under `folder` as sorted `/`-separated paths, with their sizes.
pub(crate) fn files(folder: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    collect(folder, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<(String, u64)>) -> Result<()> {
    let context = || format!("reading the folder `{}`", folder.display());
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        let metadata = entry.metadata().with_context(context)?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if metadata.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else {
            found.push((path, metadata.len()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
