//! Typed diagnostics, evaluators and pipelines for training networks with [tch], PyTorch for Rust.
//!
//! You write one plain function that computes the loss, and mark its measurements. Diagnostics, exact averages, device
//! moves, data parallelism and logging are derived from that function at compile time.
//!
//! See the [guide] for tutorials. The modules, from the ground up:
//!
//! - [`batch`]: the inputs and outputs of models. `#[derive(Batch)]` makes a struct of tensors splittable, joinable and
//!   movable between devices.
//! - [`diagnostic`]: the measurements of a step. `#[derive(Diagnostic)]` gives a struct of metrics a typed summary, and
//!   an [`Aggregator`] turns many steps into one summary.
//! - [`evaluation`]: loss functions of a model and a batch. [`#[evaluator]`](macro@evaluator) turns a plain function
//!   into an evaluator; [`evaluation::Classification`] and [`evaluation::VariationalInference`] are built in.
//! - [`pipeline`]: an evaluator with its model, on one device or many.
//! - [`training`]: steps, the [`Trainer`](training::Trainer), schedules, triggers and averaged weights.
//! - [`logging`]: TensorBoard, text, curves and images.
//! - [`distributions`], [`functional`], [`models`]: building blocks.
//!
//! ```
//! use booster::evaluation::Classification;
//! use booster::prelude::*;
//! use booster::tch::nn::{self, OptimizerConfig};
//! use booster::tch::{Device, Kind, Tensor};
//!
//! # fn main() -> booster::Result<()> {
//! let net = |path: &nn::Path<'_>| nn::linear(path, 64, 10, nn::LinearConfig::default());
//! let mut pipeline = Pipeline::build(available_device(), net, Classification::new());
//! let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
//! let mut epoch_mean = Aggregator::new();
//! for _ in 0..10 {
//!     let input = Tensor::rand([64, 64], (Kind::Float, Device::Cpu)); // noise, in place of your data
//!     let batch = Labeled { target: input.narrow(1, 0, 10).argmax(1, false), input };
//!     epoch_mean.update(&training_step(&mut pipeline, &batch, &mut optimizer)?)?;
//! }
//! let summary = epoch_mean.summary()?;
//! println!("{summary}");
//! assert!(summary.metrics.accuracy < 1.0); // an f64; `summary.metrics.acuracy` does not compile
//! # Ok(())
//! # }
//! ```
// Tests may read tensor values.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

// Generated code refers to the library as `booster`, here as in other crates.
extern crate self as booster;

pub mod batch;
mod device;
pub mod diagnostic;
pub mod distributions;
pub mod error;
pub mod evaluation;
mod files;
pub mod functional;
pub mod guide;
mod histogram;
mod kind;
pub mod logging;
pub mod models;
pub mod optim;
mod panic;
pub mod pipeline;
pub mod prelude;

mod sealed;
mod serde_number;
pub mod training;
pub mod transfers;

/// Runs the examples of the README as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[derive(Debug)]
pub struct Readme;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use booster_derive::{Batch, Diagnostic, evaluator};
pub use tch;

pub use crate::batch::Batch;
pub use crate::diagnostic::{Aggregator, Diagnostic, DiagnosticExt, NonFinite, Ratio, Reduction, Summary, Weighted};
pub use crate::error::{Error, Result};
pub use crate::evaluation::{Evaluator, Loss, Mode};
pub use crate::pipeline::{DataParallelPipeline, EvaluationPipeline, Pipeline};
pub use crate::training::{training_step, training_step_with_output, validation_step, validation_step_with_output};
