//! Small cases run with booster and with other training libraries: `cargo xtask compare`.
//!
//! The cases come from the issue trackers of those libraries; the guide's page `why` explains them.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use booster::optim::Sgd;
use booster::prelude::*;
use booster::tch::nn::{Init, Path as Root};
use booster::tch::{Device, Kind, Tensor};
use clap::Parser;

/// Runs the cases with booster and, given an interpreter, with the libraries in Python.
#[derive(Debug, Parser)]
struct Arguments {
    /// A Python interpreter with torch, torchmetrics, lightning, transformers and flax; missing packages are reported.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Also run the burn case, which downloads and builds burn.
    #[arg(long)]
    burn: bool,
}

/// A case and its exact result.
struct Case {
    key: &'static str,
    exact: f64,
    booster: fn() -> Result<f64>,
}

const CASES: [Case; 6] = [
    Case { key: "short_last_batch", exact: 2.2, booster: short_last_batch },
    Case { key: "ratio", exact: 0.2, booster: ratio },
    Case { key: "masked_mean", exact: 2.5, booster: masked_mean },
    Case { key: "accumulation", exact: 2.5, booster: accumulation },
    Case { key: "unequal_ranks", exact: 3.0, booster: unequal_ranks },
    Case { key: "reads_per_step", exact: 0.0, booster: reads_per_step },
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut rivals = arguments.python.map_or_else(|| Ok(HashMap::new()), |python| rivals(&python))?;
    if arguments.burn {
        let answer = format!("{:.3} (burn-train 0.21.0)", burn()?);
        let others = rivals.remove("ratio").map(|others| format!("{others}, "));
        rivals.insert("ratio".to_owned(), others.unwrap_or_default() + &answer);
    }
    println!("{:<18}{:>8}{:>9}  today", "case", "exact", "booster");
    for Case { key, exact, booster } in CASES {
        let ours = booster()?;
        let theirs = rivals.get(key).map_or("(run with --python PATH)", String::as_str);
        println!("{key:<18}{exact:>8.3}{ours:>9.3}  {theirs}");
    }
    Ok(())
}

/// Runs `python/faults.py` and returns its results by key.
fn rivals(python: &Path) -> Result<HashMap<String, String>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/python/faults.py");
    let mut command = Command::new(python);
    let output = command.arg(script).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start `{}`", python.display()))?;
    if !output.status.success() {
        bail!("`{}` failed on {script}: {}", python.display(), output.status);
    }
    let mut found = HashMap::new();
    // Skip the lines that transformers prints itself.
    for line in String::from_utf8(output.stdout)?.lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let answer = line["number"].as_f64().map_or_else(|| text("failed"), |number| format!("{number:.3}"));
        found.insert(text("key"), format!("{answer} ({})", text("tool")));
    }
    Ok(found)
}

/// Runs the package in `burn` and returns the precision of an epoch that it prints.
fn burn() -> Result<f64> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("burn");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["run", "--release", "--locked", "--manifest-path"]).arg(package.join("Cargo.toml"));
    command.env("CARGO_TARGET_DIR", package.join("../../target/burn"));
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("cannot run the package in `{}`: {}", package.display(), output.status);
    }
    String::from_utf8(output.stdout)?.trim().parse().context("burn's case printed no number")
}

#[derive(Debug, Diagnostic)]
struct Mean {
    #[group = "metrics"]
    value: Tensor,
}

#[derive(Debug, Diagnostic)]
struct Precision {
    #[group = "metrics"]
    precision: Ratio,
}

#[derive(Debug, Diagnostic)]
struct Masked {
    #[group = "metrics"]
    value: Weighted,
}

/// Averages over batches of 4, 4 and 2 samples.
fn short_last_batch() -> Result<f64> {
    let mut epoch = Aggregator::new();
    for (samples, value) in [(4, 1.0), (4, 1.0), (2, 7.0)] {
        epoch.update(&Mean { value: Tensor::from(value).expand([samples, 3], false) })?;
    }
    Ok(epoch.summary()?.metrics.value)
}

/// Computes the precision over two batches: one of one predictions is correct, then one of nine.
fn ratio() -> Result<f64> {
    let mut epoch = Aggregator::new();
    for predicted in [1.0, 9.0] {
        epoch.update(&Precision { precision: Ratio::new(Tensor::from(1.0), Tensor::from(predicted)) })?;
    }
    Ok(epoch.summary()?.metrics.precision)
}

/// Averages under a mask that is broadcast over the samples.
fn masked_mean() -> Result<f64> {
    let values = Tensor::arange(6, (Kind::Float, Device::Cpu)).reshape([2, 3]);
    let mask = Tensor::from_slice(&[true, false, true]).expand([2, 3], false);
    let mut epoch = Aggregator::new();
    epoch.update(&Masked { value: Weighted::new(values, mask) })?;
    Ok(epoch.summary()?.metrics.value)
}

/// Tokens with a mask.
#[derive(Debug, Batch)]
struct Tokens {
    values: Tensor,
    mask: Tensor,
}

/// A loss whose gradient is the negated mean of the values selected by the mask.
#[evaluator]
fn kept_mean(weight: &Tensor, batch: &Tokens, _mode: Mode) -> booster::Result<Loss> {
    let kept = batch.values.f_mul(&batch.mask)?.f_sum(Kind::Float)?;
    #[group = "metrics"]
    let value: Tensor = batch.values.f_mean(Kind::Float)?;
    Loss::from_sum(&weight.f_mul(&kept)?.f_neg()?, &batch.mask.f_sum(Kind::Float)?)
}

fn weight(path: &Root<'_>) -> Tensor {
    path.var("weight", &[], Init::Const(0.0))
}

fn tokens(values: &[[f32; 3]], mask: &[[f32; 3]]) -> Tokens {
    Tokens { values: Tensor::from_slice2(values), mask: Tensor::from_slice2(mask) }
}

/// Accumulates the gradients of 3 tokens, then of 1 padded token, and takes a gradient descent step at rate 1.
fn accumulation() -> Result<f64> {
    let mut pipeline = Pipeline::build(Device::Cpu, weight, KeptMean::new());
    let optimizer = Sgd::options(1.0).build(pipeline.var_store())?;
    let mut trainer = Trainer::builder(optimizer).accumulate(2).build()?;
    trainer.step(&mut pipeline, &tokens(&[[1.0; 3]], &[[1.0; 3]]))?;
    trainer.step(&mut pipeline, &tokens(&[[7.0, 0.0, 0.0]], &[[1.0, 0.0, 0.0]]))?;
    Ok(pipeline.model().double_value(&[]))
}

/// Trains on six samples with four replicas, two of which get two samples each.
fn unequal_ranks() -> Result<f64> {
    let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 4], weight, KeptMean::new())?;
    let mut optimizer = Sgd::options(1.0).build(pipeline.var_store())?;
    let values = [[1.0; 3], [1.0; 3], [1.0; 3], [1.0; 3], [7.0; 3], [7.0; 3]];
    training_step(&mut pipeline, &tokens(&values, &[[1.0; 3]; 6]), &mut optimizer)?;
    Ok(pipeline.var_store().variables()["weight"].double_value(&[]))
}

/// Counts the device-to-host reads of a training step and its aggregation.
fn reads_per_step() -> Result<f64> {
    let mut pipeline = Pipeline::build(Device::Cpu, weight, KeptMean::new());
    let mut optimizer = Sgd::options(1.0).build(pipeline.var_store())?;
    let mut epoch = Aggregator::new();
    let before = booster::transfers::host_reads();
    epoch.update(&training_step(&mut pipeline, &tokens(&[[1.0; 3]], &[[1.0; 3]]), &mut optimizer)?)?;
    Ok((booster::transfers::host_reads() - before) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boosters_numbers_are_exact() {
        for Case { key, exact, booster } in CASES {
            assert!((booster().unwrap() - exact).abs() < 1e-6, "{key}");
        }
    }

    #[test]
    fn an_interpreter_that_does_not_start_is_named() {
        let error = rivals(Path::new("/nowhere/python")).unwrap_err().to_string();
        assert_eq!(error, "cannot start `/nowhere/python`");
    }
}
