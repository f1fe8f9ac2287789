//! `cargo xtask setup` as a user runs it, without a network.
#![cfg(unix)]

mod machine;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use machine::{Machine, UNPACK, errors, succeeded};

fn library(folder: &Path) -> PathBuf {
    let extension = if cfg!(target_os = "macos") { "dylib" } else { "so" };
    folder.join("lib/libtorch_cpu").with_extension(extension)
}

#[test]
fn the_first_run_installs_and_links_and_the_second_finds_it_ready() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    succeeded(&machine.setup()?)?;
    assert!(library(&machine.link()).is_file());
    assert!(machine.link().join("include/torch/headeronly/version.h").is_file());
    assert!(machine.has_only_the_install()?);

    let second = machine.setup()?;
    succeeded(&second)?;
    assert!(errors(&second).contains("ready"), "{}", errors(&second));
    assert_eq!(machine.installs(), 1);
    Ok(())
}

#[cfg(target_os = "linux")]
#[test]
fn the_cpu_install_keeps_only_the_cuda_libraries_that_it_needs() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    succeeded(&machine.setup()?)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(machine.link().join("lib"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(
        names,
        ["libc10.so", "libcudart.so.13", "libcupti.so.13", "libgomp.so.1", "libtorch.so", "libtorch_cpu.so"]
    );
    Ok(())
}

#[test]
fn a_truncated_library_is_reinstalled() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    succeeded(&machine.setup()?)?;
    fs::write(library(&machine.link()), "lib")?;
    let second = machine.setup()?;
    succeeded(&second)?;
    assert!(errors(&second).contains("to have 13 bytes, found 3"), "{}", errors(&second));
    assert_eq!(fs::read_to_string(library(&machine.link()))?, "libtorch_cpu\n");
    Ok(())
}

#[test]
fn the_next_run_does_not_trust_the_files_of_a_killed_one() -> Result<()> {
    let machine = Machine::new()?;
    machine.python("mkdir -p \"$target/torch/lib\"; echo half > \"$target/half\"; exec sleep 30")?;
    let mut killed = machine.xtask(&["setup"]).stderr(Stdio::null()).spawn()?;
    let start = Instant::now();
    while !machine
        .cached()
        .unwrap_or_default()
        .iter()
        .any(|name| machine.path("cache").join(name).join("content/half").exists())
    {
        ensure!(start.elapsed() < Duration::from_secs(20), "the install did not start");
        thread::sleep(Duration::from_millis(10));
    }
    killed.kill()?;
    killed.wait()?;
    assert!(!machine.link().exists());

    machine.python(UNPACK)?;
    succeeded(&machine.setup()?)?;
    assert!(library(&machine.link()).is_file());
    assert!(machine.has_only_the_install()?, "{:?}", machine.cached()?);
    Ok(())
}

#[test]
fn concurrent_runs_install_once() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(&format!("{UNPACK}\nsleep 1"))?;
    let start = || machine.xtask(&["setup"]).stderr(Stdio::piped()).spawn();
    let runs = [start()?, start()?];
    for run in runs {
        succeeded(&run.wait_with_output()?)?;
    }
    assert_eq!(machine.installs(), 1);
    Ok(())
}

#[test]
fn force_reinstalls() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    succeeded(&machine.setup()?)?;
    succeeded(&machine.xtask(&["setup", "--force"]).output()?)?;
    assert_eq!(machine.installs(), 2);
    Ok(())
}

#[test]
fn without_python_the_error_names_the_three_ways() -> Result<()> {
    let machine = Machine::new()?;
    let output = machine.setup()?;
    assert_eq!(output.status.code(), Some(1));
    let text = errors(&output);
    for part in ["no `python3` on PATH", "LIBTORCH=", "LIBTORCH_USE_PYTORCH=1", "download-libtorch"] {
        assert!(text.contains(part), "{part:?} is missing from:\n{text}");
    }
    assert!(!machine.link().exists());
    Ok(())
}

#[test]
fn a_pip_failure_shows_its_last_lines_and_leaves_nothing() -> Result<()> {
    let machine = Machine::new()?;
    machine.python("mkdir \"$target/torch\"; echo 'ERROR: the network is unreachable' >&2; exit 1")?;
    let output = machine.setup()?;
    assert_eq!(output.status.code(), Some(1));
    let text = errors(&output);
    let error = text.split_once("error: ").map_or("", |(_, error)| error);
    for part in ["the network is unreachable", "LIBTORCH_USE_PYTORCH=1"] {
        assert!(error.contains(part), "{part:?} is missing from:\n{text}");
    }
    assert_eq!(machine.cached()?, ["libtorch-2.13.0-cpu.lock"]);
    assert!(!machine.link().exists());
    Ok(())
}

#[test]
fn a_package_without_the_library_is_rejected() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(&format!("{UNPACK}\nrm \"$target\"/torch/lib/libtorch_cpu.*"))?;
    let output = machine.setup()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("no `libtorch_cpu` in"), "{}", errors(&output));
    Ok(())
}

#[test]
fn the_users_libtorch_is_left_alone() -> Result<()> {
    let other = Machine::new()?;
    other.python(UNPACK)?;
    succeeded(&other.setup()?)?;

    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    let output = machine.xtask(&["setup"]).env("LIBTORCH", other.link()).output()?;
    succeeded(&output)?;
    assert!(errors(&output).contains("nothing to install"), "{}", errors(&output));
    assert_eq!(machine.installs(), 0);
    assert!(!machine.link().exists());
    Ok(())
}

#[test]
fn a_folder_without_libtorch_is_an_error() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    let output = machine.xtask(&["setup"]).env("LIBTORCH", machine.path("bin")).output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("is not libtorch 2.13.0"), "{}", errors(&output));
    assert_eq!(machine.installs(), 0);
    Ok(())
}

#[test]
fn the_torch_of_the_users_python_is_checked() -> Result<()> {
    let machine = Machine::new()?;
    machine.python(UNPACK)?;
    for (version, code) in [("2.13.0", 0), ("2.5.1", 1)] {
        let mut setup = machine.xtask(&["setup"]);
        setup.env("LIBTORCH_USE_PYTORCH", "1").env("SAYS", format!("{version} /torch"));
        let output = setup.output()?;
        assert_eq!(output.status.code(), Some(code), "{}", errors(&output));
        assert!(errors(&output).contains(version), "{}", errors(&output));
    }
    assert!(!machine.link().exists());
    Ok(())
}
