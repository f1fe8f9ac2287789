//! Data parallelism on real data, and the program `data_parallel`, run from the command line.

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::Command;

use booster::evaluation::Classification;
use booster::prelude::*;
use booster_examples::data::{self, Loader};
use tch::nn::{self, OptimizerConfig};
use tch::{Device, Tensor, manual_seed};

type Outcome = Result<(), Box<dyn Error>>;

#[test]
fn two_hundred_steps_on_three_replicas_end_where_one_device_does() -> Outcome {
    let digits = data::digits()?;
    // With 1,400 samples, batches of 100 and 97 give shards of unequal size.
    let train = Loader::shuffled(&digits.train, NonZeroUsize::new(97).ok_or("zero")?, 3, Device::Cpu)?;
    let test = Loader::in_order(&digits.test, NonZeroUsize::new(64).ok_or("zero")?, Device::Cpu)?;
    // No dropout, whose masks differ between one device and many.
    let net = |path: &nn::Path<'_>| {
        nn::seq_t()
            .add_fn(|image| image.flatten(1, -1))
            .add(nn::linear(path / "hidden", 64, 128, nn::LinearConfig::default()))
            .add_fn(Tensor::relu)
            .add(nn::linear(path / "logits", 128, 10, nn::LinearConfig::default()))
    };

    manual_seed(5);
    let mut one = Pipeline::build(Device::Cpu, net, Classification::new());
    manual_seed(5);
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], net, Classification::new())?;
    let mut adam = nn::Adam::default().build(one.var_store(), 1e-3)?;
    let mut adam_of_many = nn::Adam::default().build(many.var_store(), 1e-3)?;
    let mut steps = 0;
    for epoch in 0.. {
        for batch in train.epoch(epoch) {
            let batch = batch?;
            training_step(&mut one, &batch, &mut adam)?;
            training_step(&mut many, &batch, &mut adam_of_many)?;
            steps += 1;
        }
        if steps >= 200 {
            break;
        }
    }

    let others = many.var_store().variables();
    for (name, variable) in one.var_store().variables() {
        let difference = (&variable - &others[&name]).abs().max().double_value(&[]);
        let scale = variable.abs().max().double_value(&[]);
        assert!(difference < 1e-4 * scale, "{name}: {difference:e} of {scale}");
    }
    let (mut of_one, mut of_many) = (Aggregator::new(), Aggregator::new());
    for batch in test.epoch(0) {
        let batch = batch?;
        of_one.update(&validation_step(&mut one, &batch)?)?;
        of_many.update(&validation_step(&mut many, &batch)?)?;
    }
    let (of_one, of_many) = (of_one.summary()?, of_many.summary()?);
    assert_eq!(of_many.metrics.accuracy, of_one.metrics.accuracy);
    assert!(of_one.metrics.accuracy > 0.95, "{of_one}");
    Ok(())
}

#[test]
fn the_program_checks_and_times() -> Outcome {
    let run =
        |arguments: &str| Command::new(env!("CARGO_BIN_EXE_data_parallel")).args(arguments.split_whitespace()).output();
    let output = run("--devices cpu,cpu,cpu --batch-size 10 --steps 2 --threads 1")?;
    let text = String::from_utf8(output.stdout)?;
    assert!(output.status.success(), "{text}");
    assert!(text.starts_with("10 samples on [Cpu, Cpu, Cpu] and on Cpu\n"), "{text}");
    let last = text.lines().last().ok_or("nothing printed")?;
    let worst: f64 = last.rsplit_once("at most ").ok_or("unexpected last line")?.1.parse()?;
    assert!(worst < 1e-5, "{text}");

    let output = run("--devices cpu,tpu")?;
    let complaint = String::from_utf8(output.stderr)?;
    assert!(complaint.contains("expected auto, cpu, cuda, cuda:N or mps"), "{complaint}");
    assert!(!output.status.success());
    Ok(())
}
