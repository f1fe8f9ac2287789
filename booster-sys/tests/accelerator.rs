//! Tests that the library for CUDA devices is loaded from libtorch's directory. The tests replace it with a stub that
//! sets an environment variable, and rerun this program with the stub's directory on the library search path.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use booster_sys::accelerator::{Accelerator, accelerator};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The environment variable that the stub sets when it is loaded.
const LOADED: &str = "STAND_IN_IS_LOADED";

/// Returns the directory of the libtorch that this program has loaded.
fn libtorch() -> Outcome<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let library =
        maps.lines().find_map(|line| line.find('/').map(|start| &line[start..])?.strip_suffix("libtorch_cpu.so"));
    Ok(library.ok_or("libtorch_cpu.so is not loaded")?.into())
}

/// Creates a directory with libtorch and a library `name` compiled from `source`.
fn libtorch_with(name: &str, source: &str) -> Outcome<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for entry in fs::read_dir(libtorch()?)? {
        let entry = entry?;
        symlink(entry.path(), folder.path().join(entry.file_name()))?;
    }
    let (file, library) = (folder.path().join("stand_in.c"), folder.path().join(name));
    fs::write(&file, source)?;
    // Replaces the real library, if any.
    fs::remove_file(&library).ok();
    let compiler = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &file]).output()?;
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
    Ok(folder)
}

/// Returns the output of [`probe`] in a process that finds libtorch in `folder`.
fn probe_with(folder: &Path) -> Outcome<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(["--exact", "probe", "--ignored", "--nocapture"])
        .env("LD_LIBRARY_PATH", folder)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let line = text.lines().find_map(|line| Some(line.split_once("PROBE ")?.1.to_owned()));
    Ok(line.ok_or_else(|| format!("{text}{}", String::from_utf8_lossy(&output.stderr)))?)
}

#[test]
#[ignore = "run by the other tests, each with its own library"]
fn probe() {
    // Read before the first call to this crate, since the library is loaded at program start.
    println!("PROBE {} {:?}", std::env::var_os(LOADED).is_some(), accelerator());
}

#[test]
fn the_library_beside_libtorch_is_loaded_at_start() -> Outcome {
    let source = format!(
        "#include <stdlib.h>\n__attribute__((constructor)) static void start(void) {{ setenv(\"{LOADED}\", \"1\", 1); }}\n"
    );
    for name in ["libtorch_cuda.so", "libtorch_hip.so"] {
        assert_eq!(probe_with(libtorch_with(name, &source)?.path())?, "true Loaded", "{name}");
    }
    Ok(())
}

#[test]
fn a_failed_load_reports_its_reason() -> Outcome {
    let folder =
        libtorch_with("libtorch_cuda.so", "int device_driver(void);\nint start(void) { return device_driver(); }\n")?;
    let found = probe_with(folder.path())?;
    assert!(found.starts_with("false Failed("), "{found}");
    assert!(found.contains("libtorch_cuda.so") && found.contains("device_driver"), "{found}");
    Ok(())
}

#[test]
fn a_cpu_only_build_is_reported_as_absent() -> Outcome {
    let folder = libtorch()?;
    if ["libtorch_cuda.so", "libtorch_hip.so"].iter().all(|name| !folder.join(name).exists()) {
        assert_eq!(accelerator(), Accelerator::Absent);
    }
    Ok(())
}
