//! Writes the place of libtorch into what this package links, so that its
//! binaries, tests and doctests run without `LD_LIBRARY_PATH`, and see CUDA.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // torch-sys sets it however libtorch was found; under its `doc-only`
    // feature, and on Windows, there is nothing to link and no such variable.
    let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") else { return };
    println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    if Path::new(&folder).join("libtorch_cuda.so").exists() {
        // No symbol of it is named anywhere: it registers itself when it is
        // loaded, and the linker would drop it.
        println!("cargo:rustc-link-arg=-Wl,--push-state,--no-as-needed,-ltorch_cuda,--pop-state");
    }
}
