//! The checkout: its folders and cargo commands.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The checkout that this xtask belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the checkout above this package, whose folder cargo passes at run time.
    pub(crate) fn find() -> Result<Self> {
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().with_context(|| format!("`{}` has no parent folder", package.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the link to which `.cargo/config.toml` sets `LIBTORCH`.
    pub(crate) fn libtorch_link(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// Returns a separate target folder for packages built with tch's `doc-only` feature, so that they do not trigger
    /// rebuilds of other packages.
    pub(crate) fn ui_target(&self) -> PathBuf {
        self.target().join("ui")
    }

    /// Returns the target folder.
    pub(crate) fn target(&self) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        self.root.join(target)
    }

    /// Returns `LIBTORCH` as set by the user.
    ///
    /// `cargo xtask` also sets the variable from `.cargo/config.toml`; that value names the checkout's own link and is
    /// ignored.
    pub(crate) fn users_libtorch(&self) -> Option<PathBuf> {
        env::var_os("LIBTORCH").map(PathBuf::from).filter(|path| *path != self.libtorch_link())
    }

    /// Returns a cargo command that runs in the checkout.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(arguments);
        if self.users_libtorch().is_none() {
            // The inner cargo sets the variable from its configuration, so the build is the same as without xtask.
            command.env_remove("LIBTORCH");
        }
        command
    }
}
