//! `cargo xtask test`: all tests, with what they need.

use std::fmt;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::steps::{Steps, echo, seconds};
use crate::workspace::Workspace;
use crate::{python, setup};

/// Sets libtorch up, runs all tests and prints their number.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace)?;
    let counts = steps(workspace, &mut Steps::default())?;
    println!("\n{counts}");
    Ok(())
}

/// The tests as steps; libtorch is there.
pub(crate) fn steps(workspace: &Workspace, steps: &mut Steps) -> Result<Counts> {
    let packages =
        steps.run("Python packages", || python::packages(&workspace.root().join("tests/requirements.txt")))?;
    let mut counts = Counts::default();

    let mut main = workspace.cargo(["test", "--no-fail-fast"]);
    steps.run("tests", || counted(&mut main, &mut counts))?;

    if let Some(folder) = packages {
        // They are ignored elsewhere, so that a plain `cargo test` needs no Python.
        let mut readers = workspace.cargo(["test", "--package", "booster-tests", "--tests", "--", "--ignored"]);
        readers.env("BOOSTER_TEST_PYTHONPATH", folder);
        steps.run("tests with Python's readers", || counted(&mut readers, &mut counts))?;
    }

    let mut ui = workspace.cargo(["test", "--package", "booster-ui-tests"]);
    ui.env("CARGO_TARGET_DIR", workspace.ui_target());
    steps.run("ui-tests", || counted(&mut ui, &mut counts))?;

    let mut xtask = workspace.cargo(["test", "--package", "xtask"]);
    steps.run("tests of xtask", || counted(&mut xtask, &mut counts))?;
    Ok(counts)
}

/// Runs a `cargo test`, passing its output on and adding up its result lines.
fn counted(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let line = echo(command);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{line}` could not be started"))?;
    if let Some(output) = child.stdout.take() {
        let mut reader = BufReader::new(output);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).context("reading the output of the tests")? > 0 {
            std::io::stdout().write_all(&bytes).context("writing the output of the tests")?;
            counts.add_line(&String::from_utf8_lossy(&bytes));
            bytes.clear();
        }
    }
    let status = child.wait().with_context(|| format!("waiting for `{line}`"))?;
    counts.time += start.elapsed();
    if !status.success() {
        bail!("`{line}`: {status} ({counts})");
    }
    Ok(())
}

/// How many tests ran, by outcome.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    suites: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
    time: Duration,
}

impl Counts {
    /// Takes a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; ..`.
    fn add_line(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        self.suites += 1;
        let result = result.split_once(". ").map_or(result, |(_, counts)| counts);
        for count in result.split(';') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                Some("ignored") => self.ignored += number,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { suites, passed, failed, ignored, time } = self;
        write!(
            formatter,
            "tests: {passed} passed, {failed} failed, {ignored} ignored, in {suites} suites, {}",
            seconds(*time)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_of_all_suites_add_up() {
        let mut counts = Counts::default();
        counts.add_line("running 4 tests\n");
        counts.add_line("test a ... ok\n");
        counts.add_line(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; \
             finished in 0.00s\n",
        );
        counts.add_line("test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n");
        assert_eq!(counts.to_string(), "tests: 13 passed, 2 failed, 1 ignored, in 2 suites, 0.0 s");
    }
}
