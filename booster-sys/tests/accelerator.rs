//! The part of libtorch that drives CUDA devices is loaded where it lies beside libtorch. A library that only sets a
//! variable stands in for it; this program runs itself with the folder of that library on the loader's path.
#![cfg(target_os = "linux")]

use std::error::Error;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use booster_sys::accelerator::{Accelerator, accelerator};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Set by the library that stands in, when it is loaded.
const LOADED: &str = "STAND_IN_IS_LOADED";

/// The folder of the libtorch that this program has loaded.
fn libtorch() -> Outcome<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    let library =
        maps.lines().find_map(|line| line.find('/').map(|start| &line[start..])?.strip_suffix("libtorch_cpu.so"));
    Ok(library.ok_or("libtorch_cpu.so is not loaded")?.into())
}

/// A libtorch beside which lies `name`, compiled from `source`.
fn libtorch_with(name: &str, source: &str) -> Outcome<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for entry in fs::read_dir(libtorch()?)? {
        let entry = entry?;
        symlink(entry.path(), folder.path().join(entry.file_name()))?;
    }
    let (file, library) = (folder.path().join("stand_in.c"), folder.path().join(name));
    fs::write(&file, source)?;
    // A real one gives way.
    fs::remove_file(&library).ok();
    let compiler = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &file]).output()?;
    assert!(compiler.status.success(), "{}", String::from_utf8_lossy(&compiler.stderr));
    Ok(folder)
}

/// What [`probe`] prints in a process that finds libtorch in `folder`.
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
#[ignore = "the other tests run it, each beside another library"]
fn probe() {
    // Before any call of this crate: the library is loaded by the start of the program.
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
fn a_library_that_cannot_be_loaded_says_why() -> Outcome {
    let folder =
        libtorch_with("libtorch_cuda.so", "int device_driver(void);\nint start(void) { return device_driver(); }\n")?;
    let found = probe_with(folder.path())?;
    assert!(found.starts_with("false Failed("), "{found}");
    assert!(found.contains("libtorch_cuda.so") && found.contains("device_driver"), "{found}");
    Ok(())
}

#[test]
fn a_build_for_the_cpu_has_none() -> Outcome {
    let folder = libtorch()?;
    if ["libtorch_cuda.so", "libtorch_hip.so"].iter().all(|name| !folder.join(name).exists()) {
        assert_eq!(accelerator(), Accelerator::Absent);
    }
    Ok(())
}
