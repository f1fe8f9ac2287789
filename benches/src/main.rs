//! Benchmarks of booster against its rivals: `cargo xtask bench`.
//!
//! Everything runs in one process, on one thread or one per replica. Each key has its own file; [`paired`] describes
//! the method.

mod aggregate_us_per_leaf;
mod data_parallel;
mod derive_compile;
mod dp_grad_error;
mod dp_one_replica;
mod dp_overhead;
mod dp_two_ways;
mod optimizer_ratio;
mod paired;
mod python;
mod report;
mod step_overhead;
mod step_total;
mod step_vs_tch;
mod training;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use python::Python;
use report::{Benchmark, Others, Row};

const BENCHMARKS: &[Benchmark] = &[
    step_overhead::BENCHMARK,
    step_total::BENCHMARK,
    step_vs_tch::BENCHMARK,
    aggregate_us_per_leaf::BENCHMARK,
    optimizer_ratio::BENCHMARK,
    dp_overhead::BENCHMARK,
    dp_one_replica::BENCHMARK,
    dp_two_ways::BENCHMARK,
    dp_grad_error::BENCHMARK,
    derive_compile::CHECK,
    derive_compile::BUILD,
    derive_compile::RELEASE,
];

/// Compares booster with its rivals.
#[derive(Debug, Parser)]
struct Arguments {
    /// Measure only keys that contain this text.
    filter: Option<String>,
    /// Also measure rivals in this Python interpreter with torch and torchmetrics.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let benchmarks = chosen(arguments.filter.as_deref())?;
    let python = arguments.python.as_deref().map(Python::new).transpose()?;
    booster::tch::set_num_threads(1);
    let mut rows = Vec::new();
    for benchmark in &benchmarks {
        rows.extend(measure(benchmark)?);
    }
    let others = match &python {
        Some(python) => {
            eprintln!("the rivals in Python:");
            python.measure(benchmarks.iter().flat_map(|benchmark| benchmark.keys))?
        }
        None => Others::new(),
    };
    println!("{}", report::table(&rows, &others));
    let path = workspace::target().join("bench.json");
    report::keep(&rows, &path)?;
    eprintln!("\nwritten to `{}`", path.display());
    if python.is_none() {
        eprintln!("to measure PyTorch and torchmetrics too, pass `--python PATH`, an interpreter that has both");
    }
    Ok(())
}

/// Returns the benchmarks with a key that contains `filter`.
fn chosen(filter: Option<&str>) -> Result<Vec<Benchmark>> {
    let filter = filter.unwrap_or_default();
    let is_chosen = |benchmark: &&Benchmark| benchmark.keys.iter().any(|key| key.contains(filter));
    let chosen = BENCHMARKS.iter().filter(is_chosen).copied().collect::<Vec<_>>();
    if chosen.is_empty() {
        let keys = BENCHMARKS.iter().flat_map(|benchmark| benchmark.keys).copied().collect::<Vec<_>>();
        bail!("no key contains `{filter}`; the keys are {}", keys.join(", "));
    }
    Ok(chosen)
}

fn measure(benchmark: &Benchmark) -> Result<Vec<Row>> {
    let name = benchmark.keys[0];
    let bar = ProgressBar::new(benchmark.rounds as u64).with_prefix(name);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} rounds, {eta} left") {
        bar.set_style(style);
    }
    bar.tick();
    let rows = (benchmark.run)(&bar).with_context(|| format!("measuring {name}"));
    let (hidden, seconds) = (bar.is_hidden(), bar.elapsed().as_secs_f64());
    bar.finish_and_clear();
    if hidden {
        eprintln!("{name}: {} rounds in {seconds:.1} s", bar.position());
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique() {
        let mut keys = BENCHMARKS.iter().flat_map(|benchmark| benchmark.keys).collect::<Vec<_>>();
        let all = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), all);
    }

    #[test]
    fn a_filter_selects_by_part_of_a_key() {
        let keys = |filter| chosen(filter).unwrap().iter().map(|benchmark| benchmark.keys[0]).collect::<Vec<_>>();
        assert_eq!(keys(Some("step_")), ["step_overhead", "step_total", "step_vs_tch"]);
        let compile = ["derive_compile", "derive_compile_build", "derive_compile_release"];
        assert_eq!(keys(Some("derive_compile")), compile);
        assert_eq!(keys(Some("leaf_32")), ["aggregate_us_per_leaf"]);
        assert_eq!(keys(None).len(), BENCHMARKS.len());
    }

    #[test]
    fn a_filter_without_a_match_lists_the_keys() {
        let error = chosen(Some("stepp")).unwrap_err().to_string();
        assert!(error.starts_with("no key contains `stepp`; the keys are step_overhead, step_total, "), "{error}");
    }
}
