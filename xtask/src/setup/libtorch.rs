//! libtorch from the `torch` package of Python's package index.
//!
//! The package holds the C++ headers and libraries, for any version of Python.
//! pip's configuration determines where packages come from.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};

use super::{VERSION, provided};
use crate::cache::{Slot, Staging};
use crate::python::Python;

/// The devices that a libtorch build supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    Cpu,
    Cuda,
}

impl fmt::Display for Flavour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// Installs `flavour` if missing, and returns the path for `LIBTORCH`.
pub(crate) fn install(flavour: Flavour, force: bool) -> Result<PathBuf> {
    if flavour == Flavour::Cuda && !cfg!(target_os = "linux") {
        bail!("packages with CUDA exist for Linux only: set LIBTORCH to a libtorch with CUDA");
    }
    let slot = slot(flavour)?;
    slot.fill(force, |staging| fill(&slot, flavour, staging))
        .map_err(|error| anyhow!("libtorch {VERSION} could not be installed: {error:#}\n\n{}", ways()))?;
    Ok(inside(flavour, &slot.path()))
}

/// Advice after a failed install.
fn ways() -> String {
    format!(
        "libtorch can be provided in three ways; then run the same command again:

  1. LIBTORCH=/path/to/libtorch   a folder with the include/ and lib/ of libtorch {VERSION}
  2. LIBTORCH_USE_PYTORCH=1       in a Python environment that has torch=={VERSION}
  3. tch's feature `download-libtorch`, in a package of your own that depends on booster:
     for those who reach PyTorch's site (in this checkout, unpack that archive and use 1.)"
    )
}

/// The flavour that `link` points to in the cache, complete or not.
pub(crate) fn linked(link: &Path) -> Option<Flavour> {
    let target = fs::read_link(link).ok()?;
    let place = |flavour| Some(inside(flavour, &slot(flavour).ok()?.path()));
    [Flavour::Cpu, Flavour::Cuda].into_iter().find(|flavour| place(*flavour).as_ref() == Some(&target))
}

/// Whether `flavour` is installed.
pub(crate) fn is_complete(flavour: Flavour) -> bool {
    slot(flavour).is_ok_and(|slot| slot.is_complete())
}

fn slot(flavour: Flavour) -> Result<Slot> {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    // Increase the number if `fill` changes.
    let identity = format!("libtorch {VERSION} {flavour} for {os} {arch}, recipe 1");
    Slot::new(format!("libtorch-{VERSION}-{flavour}"), identity)
}

/// Whether the package is a CUDA build that is stripped to its CPU part.
fn is_reduced(flavour: Flavour) -> bool {
    flavour == Flavour::Cpu && cfg!(target_os = "linux")
}

/// The path of libtorch in an installed folder.
fn inside(flavour: Flavour, folder: &Path) -> PathBuf {
    if is_reduced(flavour) { folder.to_owned() } else { folder.join("torch") }
}

fn fill(slot: &Slot, flavour: Flavour, staging: &Staging) -> Result<()> {
    let python = Python::find()?;
    let torch = format!("torch=={VERSION}");
    // Any Python version with a package works; the user's may have none.
    let mut arguments = vec!["--only-binary", ":all:", "--python-version", "3.12", torch.as_str()];
    if flavour == Flavour::Cpu {
        arguments.push("--no-deps");
    }
    if is_reduced(flavour) {
        // The versions that this torch requires.
        arguments.extend(["nvidia-cuda-runtime==13.0.*", "nvidia-cuda-cupti==13.0.*"]);
    }
    eprintln!(
        "installing libtorch {VERSION} ({flavour}) into `{}`: pip downloads about {}",
        slot.path().display(),
        download(flavour)
    );
    python.install(staging, arguments)?;
    if is_reduced(flavour) {
        reduce(staging)?;
    }
    provided::folder(&inside(flavour, &staging.content)).context("the package is not as expected")
}

fn download(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Cuda => "2.7 GB",
        Flavour::Cpu if cfg!(target_os = "macos") => "111 MB",
        Flavour::Cpu if cfg!(target_arch = "aarch64") => "440 MB",
        Flavour::Cpu => "540 MB",
    }
}

/// Keeps the CPU part of a CUDA build: libtorch's `include` and `lib`.
///
/// `libtorch_cpu.so` itself needs two CUDA libraries, and finds them next to it.
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
    // The real one needs `libtorch_cuda.so`; torch-sys only requires that the file exists.
    fs::write(lib.join("libtorch.so"), "INPUT(-ltorch_cpu)\n")?;
    fs::write(staging.content.join("build-version"), format!("{VERSION}+cpu\n"))?;
    Ok(())
}

fn is_for_cpu(library: &str) -> bool {
    let not = ["cuda", "nvrtc", "nvshmem", "python", "libshm", "global_deps"];
    library.contains(".so") && library != "libtorch.so" && !not.iter().any(|part| library.contains(part))
}

fn take(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).with_context(|| format!("the package has no `{}`", from.display()))
}

#[cfg(test)]
mod tests {
    use super::is_for_cpu;

    #[test]
    fn libraries_of_the_cpu_are_kept() {
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
