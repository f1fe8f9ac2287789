//! Compiles the C++ against the libtorch that tch links, and writes the place of that libtorch into this package's
//! tests.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=csrc");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    // torch-sys sets it however libtorch was found; under its `doc-only` feature there is nothing to compile against.
    let Ok(folder) = env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    let include = include_folder(Path::new(&folder));
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .std("c++17")
        // libtorch's headers are not ours to keep free of warnings.
        .warnings(false)
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        .file("csrc/booster.cpp")
        .compile("booster_torch");
}

/// Where libtorch's headers are: as torch-sys looks for them.
fn include_folder(libraries: &Path) -> PathBuf {
    match env::var_os("LIBTORCH_INCLUDE") {
        Some(folder) => Path::new(&folder).join("include"),
        None => libraries.parent().unwrap_or(libraries).join("include"),
    }
}
