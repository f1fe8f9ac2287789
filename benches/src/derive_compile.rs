//! `derive_compile`, `derive_compile_build`, `derive_compile_release`: the compile time that `#[derive(Diagnostic)]`
//! adds to a crate, against serde's derives, in `cargo check`, `cargo build` and `cargo build --release`.
//!
//! Four crates contain the same structs: of tensors, without and with the derive, and of doubles, without and with
//! serde's derives. Each round recompiles each crate, with its dependencies already built.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use crate::paired::Comparison;
use crate::report::{Benchmark, Row, Unit};
use crate::workspace;

const STRUCTS: usize = 200;
const FIELDS: usize = 16;
const GROUPS: usize = 4;
const ROUNDS: usize = 5;

pub(crate) const CHECK: Benchmark = Benchmark {
    keys: &["derive_compile"],
    rounds: ROUNDS,
    run: |progress| run("derive_compile", &["check"], progress),
};

pub(crate) const BUILD: Benchmark = Benchmark {
    keys: &["derive_compile_build"],
    rounds: ROUNDS,
    run: |progress| run("derive_compile_build", &["build"], progress),
};

pub(crate) const RELEASE: Benchmark = Benchmark {
    keys: &["derive_compile_release"],
    rounds: ROUNDS,
    run: |progress| run("derive_compile_release", &["build", "--release"], progress),
};

fn run(key: &'static str, command: &[&str], progress: &ProgressBar) -> Result<Vec<Row>> {
    let crates = Crates::generate()?;
    for variant in Variant::ALL {
        crates.compile(command, variant)?;
    }
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let [tensors, diagnostic, doubles, serde] = Variant::ALL.map(|variant| crates.compile(command, variant));
        rounds.push((diagnostic? - tensors?, serde? - doubles?));
        progress.inc(1);
    }
    let comparison = Comparison::of(rounds.into_iter())?;
    Ok(vec![Row::ratio(key, comparison, Unit::Millis, "serde's derives", 1.5)])
}

/// One of the four crates.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Variant {
    Tensors,
    Diagnostic,
    Doubles,
    Serde,
}

impl Variant {
    const ALL: [Self; 4] = [Self::Tensors, Self::Diagnostic, Self::Doubles, Self::Serde];

    const fn name(self) -> &'static str {
        match self {
            Self::Tensors => "tensors",
            Self::Diagnostic => "diagnostic",
            Self::Doubles => "doubles",
            Self::Serde => "serde-derives",
        }
    }

    fn source(self) -> String {
        let (uses, derive, field) = match self {
            Self::Tensors => ("use booster::tch::Tensor;", "", "Tensor"),
            Self::Diagnostic => ("use booster::tch::Tensor;", "#[derive(booster::Diagnostic)]", "Tensor"),
            // Both crates of a pair load the library, so that they differ only in the derive.
            Self::Doubles => ("use serde as _;", "", "f64"),
            Self::Serde => ("use serde as _;", "#[derive(serde::Serialize, serde::Deserialize)]", "f64"),
        };
        let mut source = format!("{uses}\n");
        // Writing to a `String` cannot fail.
        for number in 0..STRUCTS {
            let _ = writeln!(source, "\n{derive}\npub struct Measured{number} {{");
            for field_number in 0..FIELDS {
                if self == Self::Diagnostic {
                    let _ = writeln!(source, "    #[group = \"group{}\"]", field_number % GROUPS);
                }
                let _ = writeln!(source, "    pub field{field_number}: {field},");
            }
            let _ = writeln!(source, "}}");
        }
        source
    }

    /// Returns the crate's manifest; `booster` is the library's folder.
    fn manifest(self, booster: &Path) -> String {
        let dependency = match self {
            Self::Tensors | Self::Diagnostic => {
                // A JSON string is also a TOML string.
                let path = serde_json::Value::from(booster.to_string_lossy());
                format!("booster = {{ path = {path}, package = \"booster-tch\", features = [\"doc-only\"] }}")
            }
            Self::Doubles | Self::Serde => "serde = { version = \"1\", features = [\"derive\"] }".to_owned(),
        };
        format!(
            "[package]\nname = \"{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependency}\n",
            self.name()
        )
    }
}

/// The crates, in a separate workspace.
#[derive(Debug)]
struct Crates {
    folder: PathBuf,
}

impl Crates {
    fn generate() -> Result<Self> {
        let (root, folder) = (workspace::root(), workspace::target().join("bench-crates"));
        for variant in Variant::ALL {
            let package = folder.join(variant.name());
            write(&package.join("src/lib.rs"), &variant.source())?;
            write(&package.join("Cargo.toml"), &variant.manifest(&root.join("booster")))?;
        }
        let members = Variant::ALL.map(Variant::name);
        write(&folder.join("Cargo.toml"), &format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n"))?;
        // Use the versions of the main workspace, which are already downloaded.
        let lock = fs::read_to_string(root.join("Cargo.lock")).context("reading `Cargo.lock`")?;
        write(&folder.join("Cargo.lock"), &lock)?;
        Ok(Self { folder })
    }

    /// Runs a cargo command that rebuilds one crate, and returns its time in seconds.
    fn compile(&self, command: &[&str], variant: Variant) -> Result<f64> {
        // Writing makes the source newer than its build output.
        write(&self.folder.join(variant.name()).join("src/lib.rs"), &variant.source())?;
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&self.folder)
            .args(command)
            .args(["--quiet", "--package", variant.name()])
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            // A compiler cache would be measured instead of the compiler.
            .env("RUSTC_WRAPPER", "");
        let start = Instant::now();
        let before = cpu_of_children();
        let output = cargo.output().context("cannot start cargo")?;
        if !output.status.success() {
            bail!("the crate `{}` does not compile:\n{}", variant.name(), String::from_utf8_lossy(&output.stderr));
        }
        let wall = start.elapsed().as_secs_f64();
        Ok(before.zip(cpu_of_children()).map_or(wall, |(before, after)| after - before))
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let write = || {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, text)
    };
    write().with_context(|| format!("writing `{}`", path.display()))
}

/// Returns the CPU seconds of all finished child processes and their children, or `None` if the system does not report
/// them.
///
/// Other load on the machine affects CPU time less than wall-clock time.
fn cpu_of_children() -> Option<f64> {
    // Linux reports hundredths of a second, whatever its internal clock (proc_pid_stat(5)).
    const TICKS: f64 = 100.0;
    children_ticks(&fs::read_to_string("/proc/self/stat").ok()?).map(|ticks| ticks as f64 / TICKS)
}

/// Returns the sum of `cutime` and `cstime`, fields 16 and 17 of a `stat` file.
fn children_ticks(stat: &str) -> Option<u64> {
    // The second field is the program name in parentheses, which may contain anything.
    let (_, from_third) = stat.rsplit_once(") ")?;
    let mut fields = from_third.split(' ').skip(16 - 3);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_crates_hold_the_same_structs() {
        for variant in Variant::ALL {
            let source = variant.source();
            assert_eq!(source.matches("pub struct").count(), STRUCTS, "{variant:?}");
            assert_eq!(source.matches("    pub field").count(), STRUCTS * FIELDS, "{variant:?}");
        }
    }

    #[test]
    fn the_childrens_times_are_fields_16_and_17() {
        let stat = "1 (a ) name) S 4 5 6 7 8 9 10 11 12 13 14 15 160 1700 18 19";
        assert_eq!(children_ticks(stat), Some(1860));
        assert_eq!(children_ticks(""), None);
    }
}
