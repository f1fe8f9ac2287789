//! A libtorch provided by the user.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::VERSION;
use crate::python;
use crate::workspace::Workspace;

/// Checks the libtorch named by the environment, in torch-sys's order.
///
/// Returns a description of its location, or `None` if the environment names none.
///
/// # Errors
/// Returns an error if tch cannot be built with that libtorch.
pub(super) fn check(workspace: &Workspace) -> Result<Option<String>> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        let folder = pytorch().context("LIBTORCH_USE_PYTORCH is set")?;
        return Ok(Some(format!("LIBTORCH_USE_PYTORCH, `{folder}`")));
    }
    let libtorch = workspace.users_libtorch();
    let part = |name| env::var_os(name).map(PathBuf::from).or_else(|| libtorch.clone());
    let (Some(include), Some(lib)) = (part("LIBTORCH_INCLUDE"), part("LIBTORCH_LIB")) else {
        return Ok(None);
    };
    let place = match libtorch {
        Some(folder) => format!("LIBTORCH=`{}`", folder.display()),
        None => format!("LIBTORCH_LIB=`{}`", lib.display()),
    };
    parts(&include, &lib).with_context(|| format!("{place} is not libtorch {VERSION}"))?;
    Ok(Some(place))
}

/// Checks that `folder` holds a libtorch of the right version.
pub(super) fn folder(folder: &Path) -> Result<()> {
    parts(folder, folder)
}

fn parts(include: &Path, lib: &Path) -> Result<()> {
    for folder in [include, lib] {
        ensure!(folder.is_absolute(), "`{}` is not an absolute path", folder.display());
        ensure!(folder.is_dir(), "`{}` is not a folder", folder.display());
    }
    let headers = include.join("include/torch");
    ensure!(headers.is_dir(), "no folder `{}`", headers.display());
    let lib = lib.join("lib");
    let libraries = ["libtorch_cpu.so", "libtorch_cpu.dylib", "torch_cpu.lib", "libtorch_cpu.a"];
    ensure!(libraries.iter().any(|library| lib.join(library).is_file()), "no `libtorch_cpu` in `{}`", lib.display());
    version(&fs::read_to_string(include.join("include/torch/headeronly/version.h")).unwrap_or_default())
}

/// Checks the version in a `version.h`.
fn version(header: &str) -> Result<()> {
    let number = |name: &str| {
        header.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next()).flatten()
        })
    };
    let parts = ["TORCH_VERSION_MAJOR", "TORCH_VERSION_MINOR", "TORCH_VERSION_PATCH"].map(number);
    let [Some(major), Some(minor), Some(patch)] = parts else {
        return expect("an older version (no `include/torch/headeronly/version.h`)");
    };
    expect(&format!("{major}.{minor}.{patch}"))
}

fn expect(found: &str) -> Result<()> {
    if found == VERSION || env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return Ok(());
    }
    bail!("tch needs version {VERSION}, found {found}")
}

/// Checks the torch package of the current Python and returns its folder.
fn pytorch() -> Result<String> {
    // Use the same interpreter as torch-sys.
    let python = match env::var_os("VIRTUAL_ENV") {
        _ if cfg!(windows) => "python.exe",
        Some(_) => "python",
        None => "python3",
    };
    // torch-sys gets the folders from `cpp_extension`, which needs setuptools.
    let code = "import os, torch; from torch.utils import cpp_extension; \
                print(torch.__version__.split('+')[0], os.path.dirname(torch.__file__))";
    let line = python::output(Command::new(python).args(["-c", code]))
        .with_context(|| format!("`{python}` cannot import torch"))?;
    let (version, folder) = line.split_once(' ').unwrap_or((&line, ""));
    expect(version)?;
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn libtorch(version: &str) -> Result<tempfile::TempDir> {
        let folder = tempfile::tempdir()?;
        let headers = folder.path().join("include/torch/headeronly");
        fs::create_dir_all(&headers)?;
        let mut header = "#pragma once\n".to_owned();
        for (name, number) in ["MAJOR", "MINOR", "PATCH"].iter().zip(version.split('.')) {
            writeln!(header, "#define TORCH_VERSION_{name} {number}")?;
        }
        fs::write(headers.join("version.h"), header)?;
        fs::create_dir(folder.path().join("lib"))?;
        fs::write(folder.path().join("lib/libtorch_cpu.so"), "")?;
        Ok(folder)
    }

    fn complaint(libtorch: &Path) -> String {
        folder(libtorch).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn the_required_version_passes() -> Result<()> {
        assert_eq!(complaint(libtorch(VERSION)?.path()), "");
        Ok(())
    }

    #[test]
    fn another_version_is_named() -> Result<()> {
        let text = complaint(libtorch("2.5.1")?.path());
        assert_eq!(text, "tch needs version 2.13.0, found 2.5.1");
        Ok(())
    }

    #[test]
    fn missing_parts_are_named() -> Result<()> {
        let folder = libtorch(VERSION)?;
        fs::remove_file(folder.path().join("lib/libtorch_cpu.so"))?;
        assert!(complaint(folder.path()).contains("no `libtorch_cpu` in"));
        fs::remove_dir_all(folder.path().join("include"))?;
        assert!(complaint(folder.path()).contains("no folder `"));
        assert!(complaint(Path::new("libtorch")).contains("not an absolute path"));
        Ok(())
    }
}
