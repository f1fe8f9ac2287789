//! A simulated machine for one test: a checkout, a cache and a `PATH` where shell
//! scripts stand in for `python3` and `cargo`.
// Each test file uses only some of it.
#![allow(dead_code, unreachable_pub)]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// The script for `python3 -m pip install`; `$target` is set.
pub const UNPACK: &str = r#"
echo install >> "$LOG"
mkdir -p "$target/torch/lib" "$target/torch/include/torch/headeronly" "$target/nvidia/cu13/lib"
for library in libtorch_cpu libtorch libtorch_cuda libc10 libtorch_python; do
    echo "$library" > "$target/torch/lib/$library.so"
    echo "$library" > "$target/torch/lib/$library.dylib"
done
echo gomp > "$target/torch/lib/libgomp.so.1"
echo cudart > "$target/nvidia/cu13/lib/libcudart.so.13"
echo cupti > "$target/nvidia/cu13/lib/libcupti.so.13"
printf '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 13\n#define TORCH_VERSION_PATCH 0\n' \
    > "$target/torch/include/torch/headeronly/version.h"
"#;

/// A checkout, a cache and a `PATH` for one test.
pub struct Machine {
    folder: TempDir,
}

impl Machine {
    pub fn new() -> Result<Self> {
        let machine = Self { folder: tempfile::tempdir()? };
        for name in ["checkout/xtask", "bin"] {
            fs::create_dir_all(machine.path(name))?;
        }
        Ok(machine)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a `python3` on the path whose pip runs `script` to install, and which prints `$SAYS` for any code.
    pub fn python(&self, script: &str) -> Result<()> {
        let text = format!(
            r#"#!/bin/sh
PATH=/usr/bin:/bin
if [ "$1" = -c ]; then echo "$SAYS"; exit 0; fi
if [ "$3" = --version ]; then echo "pip 24.0 from /nowhere (python 3.12)"; exit 0; fi
for argument; do
    if [ "$last" = --target ]; then target=$argument; fi
    last=$argument
done
: "${{target:?}}"
{script}
"#
        );
        self.program("python3", &text)
    }

    /// Adds a `cargo` that logs its arguments and the relevant environment, then
    /// runs `script`.
    pub fn cargo(&self, script: &str) -> Result<()> {
        let text = format!(
            r#"#!/bin/sh
echo "cargo $* | $LIBTORCH | $BOOSTER_TEST_PYTHONPATH | $CARGO_TARGET_DIR" >> "$LOG"
{script}
"#
        );
        self.program("cargo", &text)
    }

    /// Writes an executable file.
    ///
    /// A shell writes it: if this process had it open, a child process of another
    /// test could inherit the handle, and running the file would fail.
    pub fn program(&self, name: &str, text: &str) -> Result<()> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", "rm -f \"$0\" && cat > \"$0\" && chmod +x \"$0\""])
            .arg(self.path("bin").join(name))
            .stdin(Stdio::piped())
            .spawn()?;
        shell.stdin.take().context("a pipe")?.write_all(text.as_bytes())?;
        ensure!(shell.wait()?.success(), "cannot write `{name}`");
        Ok(())
    }

    pub fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("CARGO_MANIFEST_DIR", self.path("checkout/xtask"))
            // As set by cargo from `.cargo/config.toml`.
            .env("LIBTORCH", self.link())
            .env("BOOSTER_CACHE", self.path("cache"))
            .env("CARGO", self.path("bin/cargo"))
            .env("LOG", self.path("log"));
        command
    }

    pub fn setup(&self) -> Result<Output> {
        Ok(self.xtask(&["setup"]).output()?)
    }

    pub fn link(&self) -> PathBuf {
        self.path("checkout/.libtorch")
    }

    /// The log of the scripts.
    pub fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    pub fn installs(&self) -> usize {
        self.log().iter().filter(|line| *line == "install").count()
    }

    pub fn cached(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path("cache"))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    pub fn has_only_the_install(&self) -> Result<bool> {
        Ok(self.cached()? == ["libtorch-2.13.0-cpu", "libtorch-2.13.0-cpu.lock"])
    }
}

pub fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn succeeded(output: &Output) -> Result<()> {
    ensure!(output.status.success(), "{}", errors(output));
    Ok(())
}
