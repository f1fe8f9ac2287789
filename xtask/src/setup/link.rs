//! The `.libtorch` link of a checkout.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The result of [`point`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Linked {
    Already,
    First,
    InsteadOf(PathBuf),
}

/// Atomically makes `link` point to `target`.
pub(super) fn point(link: &Path, target: &Path) -> Result<Linked> {
    let old = match fs::read_link(link) {
        Ok(old) if old == target => return Ok(Linked::Already),
        Ok(old) => Some(old),
        Err(_) if link.symlink_metadata().is_ok() => {
            bail!("`{}` is not a link: move it, or set LIBTORCH to it", link.display())
        }
        Err(_) => None,
    };
    let fresh = link.with_extension(format!("new-{}", std::process::id()));
    let outcome = symlink(target, &fresh).and_then(|()| fs::rename(&fresh, link));
    if outcome.is_err() {
        // The error reported below is the link's, not the cleanup's.
        let _ = fs::remove_file(&fresh);
    }
    outcome.with_context(|| format!("linking `{}` to `{}`", link.display(), target.display()))?;
    Ok(old.map_or(Linked::First, Linked::InsteadOf))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(target, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_follows_its_target() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let link = folder.path().join(".libtorch");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        assert_eq!(point(&link, &one)?, Linked::First);
        assert_eq!(point(&link, &one)?, Linked::Already);
        assert_eq!(point(&link, &two)?, Linked::InsteadOf(one));
        assert_eq!(fs::read_link(&link)?, two);
        assert_eq!(fs::read_dir(folder.path())?.count(), 1, "a temporary link is left");
        Ok(())
    }

    #[test]
    fn a_folder_of_the_user_is_not_replaced() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let link = folder.path().join(".libtorch");
        fs::create_dir(&link)?;
        assert!(point(&link, folder.path()).is_err());
        assert!(link.is_dir());
        Ok(())
    }
}
