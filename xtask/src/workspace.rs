//! The checkout: where its folders are, and cargo run inside it.

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
    /// The folder above this package, as cargo names it at run time.
    pub(crate) fn find() -> Result<Self> {
        let package =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package.parent().with_context(|| format!("`{}` has no folder above it", package.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The link that `.cargo/config.toml` names as `LIBTORCH`.
    pub(crate) fn libtorch_link(&self) -> PathBuf {
        self.root.join(".libtorch")
    }

    /// A target folder of its own for the packages that build with tch's
    /// `doc-only` feature, so that they and the others do not rebuild each other.
    pub(crate) fn ui_target(&self) -> PathBuf {
        self.target().join("ui")
    }

    /// The target folder.
    pub(crate) fn target(&self) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
        self.root.join(target)
    }

    /// `LIBTORCH` as the user has set it.
    ///
    /// `cargo xtask` also brings the value of `.cargo/config.toml` into the
    /// environment; that one names the checkout's own link and does not count.
    pub(crate) fn users_libtorch(&self) -> Option<PathBuf> {
        env::var_os("LIBTORCH").map(PathBuf::from).filter(|path| *path != self.libtorch_link())
    }

    /// A cargo command in the checkout.
    pub(crate) fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).args(arguments);
        if self.users_libtorch().is_none() {
            // The inner cargo reads it from the configuration again: the same
            // environment as without xtask, hence the same build.
            command.env_remove("LIBTORCH");
        }
        command
    }
}
