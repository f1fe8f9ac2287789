//! Classifies handwritten digits: the bundled ones, or MNIST from a folder.
//!
//! ```sh
//! cargo run --release -p booster-examples --bin classification
//! cargo run --release -p booster-examples --bin classification -- --data path/to/mnist --model mlp
//! ```

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use booster::evaluation::Classification;
use booster::logging::Curves;
use booster::prelude::*;
use booster_examples::command_line::{DeviceChoice, count, device, end, fraction, new_run, positive};
use booster_examples::data::{self, Loader};
use booster_examples::model::{LEAST_CNN_SIDE, cnn, mlp};
use booster_examples::print_line;
use booster_examples::progress::Progress;
use clap::{Parser, ValueEnum, value_parser};
use tch::nn::{self, OptimizerConfig};

/// Trains a classifier of handwritten digits and prints its accuracy on the test set.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with the four files of MNIST (train-images-idx3-ubyte and so on, plain or .gz) [default: the 1,797
    /// bundled digits of 8x8 pixels]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Model to train: a convolutional network or a multilayer perceptron
    #[arg(long, value_enum, default_value_t = Model::Cnn)]
    model: Model,
    /// Number of passes over the training images [default: 20, or 2 with --data]
    #[arg(long, value_parser = count::<NonZeroU64>)]
    epochs: Option<NonZeroU64>,
    /// Images per step; the last step of an epoch may have fewer
    #[arg(long, default_value = "64", value_parser = count::<NonZeroUsize>)]
    batch_size: NonZeroUsize,
    /// Adam's learning rate in the first epoch; it decays linearly over the epochs
    #[arg(long, default_value = "0.002", value_parser = positive)]
    learning_rate: f64,
    /// Label smoothing, from 0 to 1
    #[arg(long, default_value = "0", value_parser = fraction)]
    label_smoothing: f64,
    /// Seed of the weights, dropout and order of images; the same seed gives the same results
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// auto (the fastest available), cpu, cuda, cuda:N or mps
    #[arg(long, default_value = "auto", value_parser = device)]
    device: DeviceChoice,
    /// Folder for TensorBoard files [default: runs/classification-1, or the next unused number]
    #[arg(long, value_name = "DIR")]
    log_dir: Option<PathBuf>,
    /// CPU threads [default: libtorch's choice with --data; otherwise 1, since 8x8 images are too small to parallelize]
    #[arg(long, value_parser = value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Model {
    Cnn,
    Mlp,
}

fn main() -> ExitCode {
    end(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> booster::Result<()> {
    let &Arguments { batch_size, learning_rate, seed, .. } = arguments;
    let epochs = arguments.epochs.map_or(if arguments.data.is_some() { 2 } else { 20 }, NonZeroU64::get);
    if let Some(threads) = arguments.threads.or(arguments.data.is_none().then_some(1)) {
        tch::set_num_threads(threads);
    }
    tch::manual_seed(seed.cast_signed());

    let data = arguments.data.as_deref().map_or_else(data::digits, data::mnist)?;
    let (image, classes) = (data.train.shape(), data.train.classes());
    let [_, height, width] = image;
    if matches!(arguments.model, Model::Cnn) && height.min(width) < LEAST_CNN_SIDE {
        return Err(booster::Error::custom(format!(
            "the CNN needs images of at least {LEAST_CNN_SIDE}x{LEAST_CNN_SIDE} pixels, found {height}x{width}; \
             use `--model mlp`"
        )));
    }
    let device = arguments.device.device();
    let train = Loader::shuffled(&data.train, batch_size, seed, device)?;
    let test = Loader::in_order(&data.test, batch_size, device)?;
    let log_dir = arguments.log_dir.clone().map_or_else(|| new_run("classification"), Ok)?;
    // A folder given by the user may contain the figure of an earlier run.
    let curves = Curves::replace(log_dir.join("curves.svg"), "train")?;
    let mut test_log = (TensorBoard::create(log_dir.join("test"))?, curves.beside("test"));
    let mut train_log = (TensorBoard::create(log_dir.join("train"))?, curves);

    let net = |path: &nn::Path<'_>| match arguments.model {
        Model::Cnn => cnn(path, image, classes),
        Model::Mlp => mlp(path, image, classes),
    };
    let evaluator = Classification::new().with_label_smoothing(arguments.label_smoothing);
    let mut pipeline = Pipeline::build(device, net, evaluator);
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), learning_rate)?;

    let mut progress = Progress::new(epochs, train.samples());
    let mut accuracy = 0.0;
    for epoch in 0..epochs {
        optimizer.set_lr(learning_rate * (1.0 - epoch as f64 / epochs as f64));
        // If the learning rate is too high, the run fails at the first step and field with a non-finite value.
        let mut training = Aggregator::new().non_finite(NonFinite::Error);
        for batch in progress.batches(epoch, train.epoch(epoch)) {
            training.update(&training_step(&mut pipeline, &batch?, &mut optimizer)?)?;
        }
        let training = training.summary()?;
        training.log(&mut train_log, epoch + 1)?;

        let mut validation = Aggregator::new().non_finite(NonFinite::Error);
        for batch in test.epoch(epoch) {
            validation.update(&validation_step(&mut pipeline, &batch?)?)?;
        }
        let validation = validation.summary()?;
        validation.log(&mut test_log, epoch + 1)?;

        // Step times only go to TensorBoard, so that the same seed prints the same lines.
        let table = SummaryTable::new().column("train", &*training).column("test", &*validation);
        print_line!("epoch {}/{epochs}\n{table}\n", epoch + 1)?;
        progress.note(format!("nll {:.4}", training.loss.nll));
        accuracy = validation.metrics.accuracy;
    }
    train_log.flush()?;
    test_log.flush()?;

    print_line!("Curves are in {}.", log_dir.join("curves.svg").display())?;
    print_line!("TensorBoard event files are in {}. To view them:", log_dir.display())?;
    print_line!("    pip install tensorboard")?;
    print_line!("    tensorboard --logdir {}", arguments.log_dir.as_deref().unwrap_or("runs".as_ref()).display())?;
    print_line!("test accuracy {accuracy:.3}")?;
    Ok(())
}
