//! `cargo xtask test`: all tests, with their prerequisites.

use std::fmt;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::python::{self, Packages};
use crate::setup;
use crate::steps::{Steps, echo, seconds};
use crate::workspace::Workspace;

/// Sets up libtorch, runs all tests and prints the counts.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace)?;
    let packages = python::packages(&workspace.root().join("tests/requirements.txt"))?;
    let counts = steps(workspace, &mut Steps::default(), &packages)?;
    println!("\n{counts}");
    Ok(())
}

/// Returns the Python packages that [`steps`] needs to run all tests.
pub(crate) fn required_packages(workspace: &Workspace) -> Result<Packages> {
    match python::packages(&workspace.root().join("tests/requirements.txt"))? {
        Packages::NoPython(reason) => Err(reason.context("the tests need Python")),
        packages => Ok(packages),
    }
}

/// Runs the tests as steps; requires libtorch.
pub(crate) fn steps(workspace: &Workspace, steps: &mut Steps, packages: &Packages) -> Result<Counts> {
    let mut counts = Counts::default();

    let mut main = workspace.cargo(["test", "--no-fail-fast"]);
    steps.run("tests", || counted(&mut main, &mut counts))?;

    // Ignored by default, so that a plain `cargo test` needs no Python and no privileges.
    let ignored = ["test", "--package", "booster-tests", "--tests", "--", "--ignored"];
    let mut special = workspace.cargo(ignored);
    match packages {
        Packages::None => {}
        Packages::Installed(folder) => {
            special.env("BOOSTER_TEST_PYTHONPATH", folder);
        }
        Packages::NoPython(reason) => {
            special.args(["--skip", WITH_PYTHON]);
            let listed = workspace.cargo(ignored).args(["--list", WITH_PYTHON]).output();
            counts.leave_out(&listed.context("cannot start cargo")?.stdout, reason);
        }
    }
    steps.run("tests with special needs", || counted(&mut special, &mut counts))?;

    let mut ui = workspace.cargo(["test", "--package", "booster-ui-tests"]);
    ui.env("CARGO_TARGET_DIR", workspace.ui_target());
    steps.run("ui-tests", || counted(&mut ui, &mut counts))?;

    let mut xtask = workspace.cargo(["test", "--package", "xtask"]);
    steps.run("tests of xtask", || counted(&mut xtask, &mut counts))?;
    Ok(counts)
}

/// The text in the name of every test that needs Python.
const WITH_PYTHON: &str = "python";

/// Runs a `cargo test`, forwards its output and adds up its result lines.
fn counted(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let line = echo(command);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{line}` cannot be started"))?;
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

/// The number of tests by outcome.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    suites: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
    time: Duration,
    left_out: Vec<String>,
}

impl Counts {
    /// Records the skipped tests from the output of `--list`.
    fn leave_out(&mut self, listed: &[u8], reason: &anyhow::Error) {
        let listed = String::from_utf8_lossy(listed);
        let names: Vec<_> = listed.lines().filter_map(|line| line.strip_suffix(": test")).collect();
        let count = names.len();
        self.left_out.push(format!("tests skipped: {count}, which need Python ({reason:#}): {}", names.join(", ")));
    }

    /// Parses a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; ..`.
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
        let Self { suites, passed, failed, ignored, time, left_out } = self;
        write!(
            formatter,
            "tests: {passed} passed, {failed} failed, {ignored} ignored, in {suites} suites, {}",
            seconds(*time)
        )?;
        left_out.iter().try_for_each(|line| write!(formatter, "\n{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skipped_tests_are_counted_and_named() {
        let mut counts = Counts::default();
        let reason = anyhow::anyhow!("no `python3` on PATH");
        counts.leave_out(b"reads_python: test\npython::writes: test\n\n2 tests, 0 benchmarks\n", &reason);
        let text = counts.to_string();
        let (_, last) = text.split_once('\n').unwrap_or_default();
        assert_eq!(last, "tests skipped: 2, which need Python (no `python3` on PATH): reads_python, python::writes");
    }

    #[test]
    fn tests_that_need_python_say_so_in_their_names() -> Result<()> {
        let tests = Workspace::find()?.root().join("tests/tests");
        let mut found = 0;
        for entry in std::fs::read_dir(tests)? {
            let source = std::fs::read_to_string(entry?.path()).unwrap_or_default();
            for test in source.split("#[ignore = \"needs Python").skip(1) {
                let name = test.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).map(|(name, _)| name);
                assert!(name.is_some_and(|name| name.contains(WITH_PYTHON)), "{name:?}");
                found += 1;
            }
        }
        assert!(found > 0, "no test found: did the text of `#[ignore]` change?");
        Ok(())
    }

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
