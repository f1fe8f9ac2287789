//! Learns to generate handwritten digits: the bundled ones, or MNIST from a folder.
//!
//! ```sh
//! cargo run --release -p booster-examples --bin vae
//! cargo run --release -p booster-examples --bin vae -- --data path/to/mnist --importance-samples 5
//! ```

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use booster::distributions::Bernoulli;
use booster::evaluation::{FreeBits, VariationalInference};
use booster::models::{SimpleVae, SimpleVaeConfig};
use booster::prelude::*;
use booster_examples::command_line::{DeviceChoice, count, device, end, new_run, not_negative, positive};
use booster_examples::data::{self, Loader};
use booster_examples::pictures::{reconstructions, samples};
use booster_examples::print_line;
use booster_examples::progress::Progress;
use clap::{Parser, value_parser};
use tch::Tensor;
use tch::nn::{self, OptimizerConfig};

/// Importance samples per test image for the final, tightest bound.
const TEST_IMPORTANCE_SAMPLES: i64 = 100;

/// Trains a variational autoencoder on handwritten digits and saves generated images.
///
/// Images are binarized: each pixel is white with probability equal to its brightness, redrawn every training epoch and
/// drawn once for the test set.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder with the four files of MNIST (train-images-idx3-ubyte and so on, plain or .gz) [default: the 1,797
    /// bundled digits of 8x8 pixels]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Number of passes over the training images [default: 150, or 20 with --data]
    #[arg(long, value_parser = count::<NonZeroU64>)]
    epochs: Option<NonZeroU64>,
    /// Images per step; the last step of an epoch may have fewer
    #[arg(long, default_value = "64", value_parser = count::<NonZeroUsize>)]
    batch_size: NonZeroUsize,
    /// Adam's learning rate in the first epoch; it decays linearly over the epochs
    #[arg(long, default_value = "0.001", value_parser = positive)]
    learning_rate: f64,
    /// Number of latent variables
    #[arg(long, default_value = "32", value_parser = value_parser!(i64).range(1..=4096))]
    latent: i64,
    /// Width of the two hidden layers in the encoder and the decoder
    #[arg(long, default_value = "512", value_parser = value_parser!(i64).range(1..=8192))]
    hidden: i64,
    /// Weight of the divergence from the prior in the loss
    #[arg(long, default_value = "1", value_parser = not_negative)]
    beta: f64,
    /// Number of epochs over which beta rises from 0 to its final value
    #[arg(long, default_value_t = 0)]
    warm_up: u64,
    /// Free bits: divergence in nats that costs nothing
    #[arg(long, default_value = "0", value_parser = not_negative)]
    free_bits: f64,
    /// Importance samples in training; above 1 the loss is the importance-weighted bound
    #[arg(long, default_value = "1", value_parser = value_parser!(i64).range(1..=4096))]
    importance_samples: i64,
    /// Seed of the weights, draws and order of images; the same seed gives the same results
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// auto (the fastest available), cpu, cuda, cuda:N or mps
    #[arg(long, default_value = "auto", value_parser = device)]
    device: DeviceChoice,
    /// Folder for TensorBoard files and images [default: runs/vae-1, or the next unused number]
    #[arg(long, value_name = "DIR")]
    log_dir: Option<PathBuf>,
    /// CPU threads [default: libtorch's choice with --data; otherwise 1, since 8x8 images are too small to parallelize]
    #[arg(long, value_parser = value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
}

type VaePipeline = Pipeline<VariationalInference<SimpleVae<Bernoulli>>>;
type VaeSummary = <<VariationalInference<SimpleVae<Bernoulli>> as Evaluator>::Diagnostics as Diagnostic>::Summary;

fn main() -> ExitCode {
    end(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> booster::Result<()> {
    let &Arguments { batch_size, learning_rate, seed, latent, hidden, .. } = arguments;
    let epochs = arguments.epochs.map_or(if arguments.data.is_some() { 20 } else { 150 }, NonZeroU64::get);
    if let Some(threads) = arguments.threads.or(arguments.data.is_none().then_some(1)) {
        tch::set_num_threads(threads);
    }
    tch::manual_seed(seed.cast_signed());

    let data = arguments.data.as_deref().map_or_else(data::digits, data::mnist)?;
    let device = arguments.device.device();
    let train = Loader::shuffled(&data.train, batch_size, seed, device)?;
    let test = binarized_once(&Loader::in_order(&data.test, batch_size, device)?)?;
    let log_dir = arguments.log_dir.clone().map_or_else(|| new_run("vae"), Ok)?;
    let mut train_log = TensorBoard::create(log_dir.join("train"))?;
    let mut test_log = TensorBoard::create(log_dir.join("test"))?;

    let config = SimpleVaeConfig { hidden: vec![hidden; 2], latent };
    let vae = |path: &nn::Path<'_>| SimpleVae::new(path, &data.train.shape(), &config);
    let evaluator = VariationalInference::new().with_free_bits(FreeBits::new(arguments.free_bits));
    let mut pipeline: VaePipeline = Pipeline::build(device, vae, evaluator);
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), learning_rate)?;

    let mut progress = Progress::new(epochs, train.samples());
    let mut elbo = 0.0;
    for epoch in 0..epochs {
        optimizer.set_lr(learning_rate * (1.0 - epoch as f64 / epochs as f64));
        let warmth = if epoch < arguments.warm_up { epoch as f64 / arguments.warm_up as f64 } else { 1.0 };
        pipeline.evaluator_mut().beta = arguments.beta * warmth;
        pipeline.evaluator_mut().importance_samples = arguments.importance_samples;
        // If the learning rate is too high, the run fails at the first step and field with a non-finite value.
        let mut training = Aggregator::new().non_finite(NonFinite::Error);
        for batch in progress.batches(epoch, train.epoch(epoch)) {
            let images = batch?.input.f_bernoulli()?;
            training.update(&training_step(&mut pipeline, &images, &mut optimizer)?)?;
        }
        let training = training.summary()?;
        training.log(&mut train_log, epoch + 1)?;

        let validation = validate(&mut pipeline, &test, 1)?;
        validation.log(&mut test_log, epoch + 1)?;
        samples(pipeline.model())?.log(&mut test_log, "images", "samples", epoch + 1)?;
        reconstructions(&mut pipeline, &test)?.log(&mut test_log, "images", "reconstructions", epoch + 1)?;

        elbo = validation.loss.elbo;
        print_line!("epoch {}/{epochs}: elbo {:.2} in training, {elbo:.2} in testing", epoch + 1, training.loss.elbo)?;
        progress.note(format!("elbo {elbo:.2}"));
    }
    train_log.flush()?;
    test_log.flush()?;
    samples(pipeline.model())?.save_png(log_dir.join("samples.png"))?;
    reconstructions(&mut pipeline, &test)?.save_png(log_dir.join("reconstructions.png"))?;

    print_line!(
        "\ntest, {TEST_IMPORTANCE_SAMPLES} importance samples\n{}\n",
        validate(&mut pipeline, &test, TEST_IMPORTANCE_SAMPLES)?
    )?;
    print_line!(
        "Generated images are in {0}/samples.png, reconstructions in {0}/reconstructions.png.",
        log_dir.display()
    )?;
    print_line!("TensorBoard event files are in the same folder. To view them:")?;
    print_line!("    pip install tensorboard")?;
    print_line!("    tensorboard --logdir {}", arguments.log_dir.as_deref().unwrap_or("runs".as_ref()).display())?;
    print_line!("test elbo {elbo:.2} nats")?;
    Ok(())
}

/// The batches of one epoch, binarized once.
fn binarized_once(images: &Loader) -> booster::Result<Vec<Tensor>> {
    images.epoch(0).map(|batch| Ok(batch?.input.f_bernoulli()?)).collect()
}

/// Evaluates the model on the test set.
fn validate(pipeline: &mut VaePipeline, images: &[Tensor], importance_samples: i64) -> booster::Result<VaeSummary> {
    pipeline.evaluator_mut().importance_samples = importance_samples;
    let mut mean = Aggregator::new().non_finite(NonFinite::Error);
    for batch in images {
        mean.update(&validation_step(pipeline, batch)?.diagnostics)?;
    }
    mean.summary()
}
