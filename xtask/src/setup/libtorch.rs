//! libtorch from the `torch` package on the Python Package Index.
//!
//! The package contains the C++ headers and libraries, which are the same for all versions of Python. pip's
//! configuration determines the source of packages.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::{VERSION, provided};
use crate::cache::{Slot, Staging};
use crate::python::Python;

/// The devices that a libtorch build supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    Cpu,
    Cuda,
}

impl fmt::Display for Flavor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// Installs `flavor` if missing, and returns the path for `LIBTORCH`.
pub(crate) fn install(flavor: Flavor, force: bool) -> Result<PathBuf> {
    if flavor == Flavor::Cuda && !cfg!(target_os = "linux") {
        bail!("the CUDA package is only available for Linux: set LIBTORCH to a CUDA build of libtorch");
    }
    let slot = slot(flavor)?;
    slot.fill(force, |staging| fill(&slot, flavor, staging))
        .map_err(|error| anyhow!("cannot install libtorch {VERSION}: {error:#}\n\n{}", ways()))?;
    Ok(inside(flavor, &slot.path()))
}

/// Returns the advice shown after a failed installation.
fn ways() -> String {
    format!(
        "provide libtorch in one of three ways, then run the command again:

  1. LIBTORCH=/path/to/libtorch   a folder with the include/ and lib/ of libtorch {VERSION}
  2. LIBTORCH_USE_PYTORCH=1       in a Python environment that has torch=={VERSION}
  3. tch's feature `download-libtorch`, in a package of your own that depends on booster:
     needs access to PyTorch's site (in this checkout, unpack its archive and use 1.)"
    )
}

/// Returns the flavor in the cache that `link` points to, complete or not.
pub(crate) fn linked(link: &Path) -> Option<Flavor> {
    let target = fs::read_link(link).ok()?;
    let place = |flavor| Some(inside(flavor, &slot(flavor).ok()?.path()));
    [Flavor::Cpu, Flavor::Cuda].into_iter().find(|flavor| place(*flavor).as_ref() == Some(&target))
}

/// Returns whether `flavor` is installed.
pub(crate) fn is_complete(flavor: Flavor) -> bool {
    slot(flavor).is_ok_and(|slot| slot.is_complete())
}

fn slot(flavor: Flavor) -> Result<Slot> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    // Increment the recipe number when `fill` changes, so that installed copies are out of date.
    let identity = format!("libtorch {VERSION} {flavor} for {os} {arch}, recipe 1");
    Slot::new(format!("libtorch-{VERSION}-{flavor}"), identity)
}

/// Returns whether the package is a CUDA build that is reduced to its CPU part.
fn is_reduced(flavor: Flavor) -> bool {
    flavor == Flavor::Cpu && cfg!(target_os = "linux")
}

/// Returns the path of libtorch in an installed folder.
fn inside(flavor: Flavor, folder: &Path) -> PathBuf {
    if is_reduced(flavor) { folder.to_owned() } else { folder.join("torch") }
}

fn fill(slot: &Slot, flavor: Flavor, staging: &Staging) -> Result<()> {
    let python = Python::find()?;
    let torch = format!("torch=={VERSION}");
    // The user's Python version may have no torch wheel; any version that has one works.
    let mut arguments = vec!["--only-binary", ":all:", "--python-version", "3.12", torch.as_str()];
    if flavor == Flavor::Cpu {
        arguments.push("--no-deps");
    }
    if is_reduced(flavor) {
        // The versions that this torch requires.
        arguments.extend(["nvidia-cuda-runtime==13.0.*", "nvidia-cuda-cupti==13.0.*"]);
    }
    eprintln!(
        "installing libtorch {VERSION} ({flavor}) into `{}`: pip downloads about {}",
        slot.path().display(),
        download(flavor)
    );
    python.install(staging, arguments)?;
    if is_reduced(flavor) {
        reduce(staging)?;
    }
    provided::folder(&inside(flavor, &staging.content)).context("the package is not as expected")
}

fn download(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Cuda => "2.7 GB",
        Flavor::Cpu if cfg!(target_os = "macos") => "111 MB",
        Flavor::Cpu if cfg!(target_arch = "aarch64") => "440 MB",
        Flavor::Cpu => "540 MB",
    }
}

/// Keeps the CPU part of a CUDA build: libtorch's `include` and `lib`.
///
/// `libtorch_cpu.so` itself needs two CUDA libraries, which it finds in its own folder.
fn reduce(staging: &Staging) -> Result<()> {
    let full = staging.scratch.join("full");
    fs::rename(&staging.content, &full)?;
    let lib = staging.content.join("lib");
    fs::create_dir_all(&lib)?;
    take(&full.join("torch/include"), &staging.content.join("include"))?;
    for library in ["libcudart.so.13", "libcupti.so.13"] {
        take(&full.join("nvidia/cu13/lib").join(library), &lib.join(library))?;
    }
    let torch = full.join("torch/lib");
    let entries = fs::read_dir(&torch).with_context(|| format!("the package has no `{}`", torch.display()))?;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if is_for_cpu(&name.to_string_lossy()) {
            take(&entry.path(), &lib.join(&name))?;
        }
    }
    // The original file needs `libtorch_cuda.so`; torch-sys only requires that the file exists.
    fs::write(lib.join("libtorch.so"), "INPUT(-ltorch_cpu)\n")?;
    fs::write(staging.content.join("build-version"), format!("{VERSION}+cpu\n"))?;
    Ok(())
}

fn is_for_cpu(library: &str) -> bool {
    let not = ["cuda", "nvrtc", "nvshmem", "python", "libshm", "global_deps"];
    library.contains(".so") && library != "libtorch.so" && !not.iter().any(|part| library.contains(part))
}

fn take(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot move `{}` out of the package", from.display()))
}

#[cfg(test)]
mod tests {
    use super::is_for_cpu;

    #[test]
    fn cpu_libraries_are_kept() {
        // The contents of the torch 2.13.0 packages for x86_64 and aarch64.
        let kept = "libtorch_cpu.so libc10.so libgomp.so.1 libarm_compute.so libgfortran.so.5 \
                    libnvpl_blas_core.so.0 libnvpl_lapack_lp64_gomp.so.0";
        for library in kept.split_whitespace() {
            assert!(is_for_cpu(library), "{library}");
        }
        let dropped = "libtorch.so libtorch_cuda.so libtorch_cuda_linalg.so libc10_cuda.so \
                       libcaffe2_nvrtc.so libtorch_nvshmem.so libtorch_python.so libshm.so \
                       libtorch_global_deps.so";
        for library in dropped.split_whitespace() {
            assert!(!is_for_cpu(library), "{library}");
        }
    }
}
