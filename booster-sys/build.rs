//! The build script: compiles the C++ against the libtorch that tch links, and adds that libtorch to the library search
//! path of `cargo run` and `cargo test`.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=csrc");
    let Some(libraries) = libraries() else { return Ok(()) };
    let include = include_folder(&libraries);
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .std("c++17")
        // libtorch's headers cause warnings.
        .warnings(false)
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        .file("csrc/booster.cpp")
        .file("csrc/accelerator.cpp")
        .file("csrc/fused.cpp")
        .try_compile("booster_torch")?;

    // For every dependent package, cargo adds search paths inside the target directory to the loader's path, so users
    // need neither a build script nor `LD_LIBRARY_PATH`.
    let inside = PathBuf::from(env::var("OUT_DIR")?).join("libtorch");
    link(&libraries, &inside)
        .map_err(|error| format!("cannot link `{}` to `{}`: {error}", inside.display(), libraries.display()))?;
    println!("cargo:rustc-link-search=native={}", inside.display());
    Ok(())
}

/// Returns the directory of libtorch's libraries, or `None` if tch's feature `doc-only` links none.
fn libraries() -> Option<PathBuf> {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-env-changed=LIBTORCH_LIB");
    // torch-sys sets this on all platforms but Windows, however it found libtorch.
    if let Some(folder) = env::var_os("DEP_TCH_LIBTORCH_LIB") {
        return Some(folder.into());
    }
    if env::var_os("CARGO_FEATURE_DOC_ONLY").is_some() {
        return None;
    }
    env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH")).map(|folder| Path::new(&folder).join("lib"))
}

/// Returns the directory of libtorch's headers, by the same rules as torch-sys.
fn include_folder(libraries: &Path) -> PathBuf {
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    match env::var_os("LIBTORCH_INCLUDE") {
        Some(folder) => Path::new(&folder).join("include"),
        None => libraries.parent().unwrap_or(libraries).join("include"),
    }
}

/// Symlinks the directory `libraries` at `inside`, or copies it if symlinks are unavailable.
///
/// Links the directory rather than each library, because libraries find one another relative to their own location
/// (`$ORIGIN/../..`).
fn link(libraries: &Path, inside: &Path) -> io::Result<()> {
    match fs::symlink_metadata(inside) {
        Ok(old) if old.is_dir() => fs::remove_dir_all(inside)?,
        // On Windows, `remove_dir` removes a symlink to a directory.
        Ok(_) => fs::remove_file(inside).or_else(|_| fs::remove_dir(inside))?,
        Err(_) => {}
    }
    symlink(libraries, inside).or_else(|_| copy(libraries, inside))
}

#[cfg(unix)]
fn symlink(libraries: &Path, inside: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(libraries, inside)
}

#[cfg(windows)]
fn symlink(libraries: &Path, inside: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_dir(libraries, inside)
}

fn copy(libraries: &Path, inside: &Path) -> io::Result<()> {
    fs::create_dir(inside)?;
    for entry in fs::read_dir(libraries)? {
        let (from, to) = {
            let entry = entry?;
            (entry.path(), inside.join(entry.file_name()))
        };
        if from.is_file() {
            fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop))?;
        }
    }
    Ok(())
}
