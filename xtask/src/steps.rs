//! Sequential steps, each with a heading and a time.

use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The steps that have run.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Runs `step` under a heading, and adds its name to any error.
    pub(crate) fn run<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let outcome = step();
        let time = start.elapsed();
        let verdict = if outcome.is_ok() { "done" } else { "failed" };
        eprintln!("<== {name}: {verdict} in {}", seconds(time));
        self.done.push((name, time));
        outcome.with_context(|| format!("step `{name}` failed"))
    }

    /// Runs `command` as a step that fails if the command does.
    pub(crate) fn command(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        self.run(name, || succeed(command))
    }

    /// Formats one line per step with its time, then the total.
    pub(crate) fn table(&self) -> String {
        let width = self.done.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(5);
        let mut table = String::new();
        for (name, time) in &self.done {
            // Writing to a `String` cannot fail.
            let _ = writeln!(table, "  {name:width$}  {:>8}", seconds(*time));
        }
        let total = self.done.iter().map(|(_, time)| *time).sum();
        let _ = write!(table, "  {:width$}  {:>8}", "total", seconds(total));
        table
    }
}

/// Echoes `command`, runs it, and fails unless it exits with 0.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let line = echo(command);
    let status = command.status().with_context(|| format!("`{line}` cannot be started"))?;
    if !status.success() {
        bail!("`{line}`: {status}");
    }
    Ok(())
}

/// Prints `command` as it would be typed in a shell, and returns that line.
pub(crate) fn echo(command: &Command) -> String {
    let program = command.get_program();
    let program = std::path::Path::new(program).file_stem().unwrap_or(program);
    let mut line = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    eprintln!("$ {line}");
    line
}

/// Formats `time` in seconds, with one decimal.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_step_and_the_cause() {
        let mut steps = Steps::default();
        let outcome = steps.run("documentation", || -> Result<()> { bail!("a broken link") });
        let text = outcome.map_err(|error| format!("{error:#}"));
        assert_eq!(text, Err("step `documentation` failed: a broken link".to_owned()));
    }

    #[test]
    fn the_table_holds_each_step_and_the_total() {
        let steps = Steps { done: vec![("format", Duration::from_millis(400)), ("tests", Duration::from_secs(90))] };
        assert_eq!(steps.table(), "  format     0.4 s\n  tests     90.0 s\n  total     90.4 s");
    }
}
