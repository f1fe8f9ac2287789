#![doc = include_str!("../README.md")]
// Tests may look at values.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

// The macros name the library as its users do.
extern crate self as booster;

pub mod batch;
mod device;
pub mod diagnostic;
pub mod distributions;
pub mod error;
pub mod evaluation;
mod files;
pub mod functional;
mod histogram;
mod kind;
pub mod logging;
pub mod models;
mod optimizer;
mod panic;
pub mod pipeline;
pub mod prelude;

mod sealed;
mod serde_number;
pub mod training;
pub mod transfers;

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
