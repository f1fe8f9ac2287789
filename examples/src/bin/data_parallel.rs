//! Trains a model on several devices, compares the results with a single device, and times both.
//!
//! ```sh
//! cargo run --release -p booster-examples --bin data_parallel -- --devices cpu,cpu
//! cargo run --release -p booster-examples --bin data_parallel -- --devices cuda:0,cuda:1 --batch-size 4096
//! ```

use std::num::{NonZeroU32, NonZeroUsize};
use std::process::ExitCode;
use std::time::Instant;

use booster::evaluation::Classification;
use booster::prelude::*;
use booster_examples::command_line::{DeviceChoice, count, device, end};
use booster_examples::print_line;
use clap::{Parser, value_parser};
use tch::nn::{self, OptimizerConfig};
use tch::{Cuda, Device, Kind, Tensor};

/// Trains a multilayer perceptron (784-1024-1024-10) on random images, on several devices and on the first of them.
#[derive(Debug, Parser)]
struct Arguments {
    /// Devices, one replica each; a device may be repeated
    #[arg(long, default_value = "cpu,cpu", value_delimiter = ',', value_parser = device)]
    devices: Vec<DeviceChoice>,
    /// Images per step, over all devices
    #[arg(long, default_value = "512", value_parser = count::<NonZeroUsize>)]
    batch_size: NonZeroUsize,
    /// Number of steps to time
    #[arg(long, default_value = "30", value_parser = count::<NonZeroU32>)]
    steps: NonZeroU32,
    /// Number of CPU threads, shared by the replicas on the CPU [default: libtorch's]
    #[arg(long, value_parser = value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
}

type Model = nn::SequentialT;

fn main() -> ExitCode {
    end(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> booster::Result<()> {
    if let Some(threads) = arguments.threads {
        tch::set_num_threads(threads);
    }
    let devices: Vec<_> = arguments.devices.iter().map(|choice| choice.device()).collect();
    let first = *devices.first().ok_or(booster::Error::NoDevice)?;
    let samples = arguments.batch_size.get() as i64;
    tch::manual_seed(0);
    let batch = Labeled {
        input: Tensor::f_rand([samples, 784], (Kind::Float, Device::Cpu))?.move_to(first)?,
        target: Tensor::f_randint(10, [samples], (Kind::Int64, Device::Cpu))?.move_to(first)?,
    };

    tch::manual_seed(1);
    let mut one = Pipeline::build(first, net, Classification::new());
    tch::manual_seed(1);
    // The only difference from a single device.
    let mut many = DataParallelPipeline::build(&devices, net, Classification::new())?;

    print_line!("{samples} samples on {:?} and on {first:?}\n", many.devices())?;
    let worst = check(&mut one, &mut many, &batch)?;

    print_line!("\n{:<24}{:>12}{:>14}", "training steps", "ms/step", "samples/s")?;
    let of_one = time(&mut one, &batch, arguments.steps, &devices)?;
    print_line!("{:<24}{:>12.2}{:>14.0}", "one device", of_one * 1e3, samples as f64 / of_one)?;
    let of_many = time(&mut many, &batch, arguments.steps, &devices)?;
    print_line!(
        "{:<24}{:>12.2}{:>14.0}",
        format!("{} replicas", many.devices().len()),
        of_many * 1e3,
        samples as f64 / of_many
    )?;
    print_line!("\n{:.2} times as fast; results differ by at most {worst:.1e}", of_one / of_many)?;
    Ok(())
}

fn net(path: &nn::Path<'_>) -> Model {
    let linear = |name, inputs, outputs| nn::linear(path / name, inputs, outputs, nn::LinearConfig::default());
    nn::seq_t()
        .add(linear("first", 784, 1024))
        .add_fn(Tensor::relu)
        .add(linear("second", 1024, 1024))
        .add_fn(Tensor::relu)
        .add(linear("logits", 1024, 10))
}

/// Compares loss, summary, output and gradients of a batch, prints the differences and returns the largest.
fn check(
    one: &mut impl EvaluationPipeline<Evaluator = Classification<Model>>,
    many: &mut impl EvaluationPipeline<Evaluator = Classification<Model>>,
    batch: &Labeled,
) -> booster::Result<f64> {
    let (_, diagnostics, output) = one.evaluate(batch, Mode::Eval)?;
    let (_, found_diagnostics, found_output) = many.evaluate(batch, Mode::Eval)?;
    let (loss, _) = one.backward(batch)?;
    let (found_loss, _) = many.backward(batch)?;
    let (summary, found_summary) = (diagnostics.summary()?, found_diagnostics.summary()?);
    let mut rows = vec![
        ("loss", difference(found_loss.tensor(), loss.tensor())),
        ("nll", (found_summary.loss.nll / summary.loss.nll - 1.0).abs()),
        ("accuracy", (found_summary.metrics.accuracy - summary.metrics.accuracy).abs()),
        ("output", difference(&found_output.logits, &output.logits)),
    ];
    let gradients = one.var_store().trainable_variables().into_iter().zip(many.var_store().trainable_variables());
    let worst = gradients.map(|(one, many)| difference(&many.grad(), &one.grad())).fold(0.0, f64::max);
    rows.push(("gradients", worst));
    print_line!("{:<24}{:>12}", "relative difference", "")?;
    for (name, difference) in &rows {
        print_line!("{name:<24}{difference:>12.1e}")?;
    }
    Ok(rows.into_iter().map(|(_, difference)| difference).fold(0.0, f64::max))
}

/// The largest difference relative to the largest entry.
fn difference(found: &Tensor, expected: &Tensor) -> f64 {
    (found - expected).abs().max().double_value(&[]) / expected.abs().max().double_value(&[])
}

/// The duration of a training step in seconds.
fn time<P>(pipeline: &mut P, batch: &BatchOf<P>, steps: NonZeroU32, devices: &[Device]) -> booster::Result<f64>
where
    P: EvaluationPipeline,
{
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
    for _ in 0..3 {
        training_step(pipeline, batch, &mut optimizer)?;
    }
    wait(devices);
    let start = Instant::now();
    for _ in 0..steps.get() {
        training_step(pipeline, batch, &mut optimizer)?;
    }
    wait(devices);
    Ok(start.elapsed().as_secs_f64() / f64::from(steps.get()))
}

/// Waits for the devices to finish all queued work.
fn wait(devices: &[Device]) {
    for device in devices {
        if let Device::Cuda(index) = device {
            Cuda::synchronize(*index as i64);
        }
    }
}
