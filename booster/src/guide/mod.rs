//! The guide: one page per subject, with programs to copy from.
//!
//! | How do I … | Where |
//! |---|---|
//! | measure something, or choose how it is reduced | [diagnostics](diagnostics#reductions) |
//! | weight a metric by tokens | [diagnostics](diagnostics#weight-a-metric-by-tokens) |
//! | leave NaN out of a metric | [diagnostics](diagnostics#values-that-are-nan-or-infinite) |
//! | merge or save an aggregator | [diagnostics](diagnostics#aggregating) |
//! | write the function that computes the loss | [evaluators] |
//! | read batches from a data set | [evaluators](evaluators#batches) |
//! | schedule a parameter of the loss | [evaluators](evaluators#change-a-parameter-while-training) |
//! | predict without targets | [evaluators](evaluators#predict-without-targets) |
//! | accumulate, clip, average weights | [training](training#the-trainer) |
//! | choose an optimizer, or group its parameters | [training](training#optimizers) |
//! | write an optimizer | [training](training#optimizers) |
//! | schedule the learning rate | [training](training#learning-rates-and-other-schedules) |
//! | log the learning rate | [training](training#log-the-learning-rate) |
//! | skip NaN steps | [training](training#skip-nan-steps) |
//! | stop early, or keep the best model | [training](training#the-best-summary-and-early-stopping) |
//! | save and resume | [training](training#save-and-resume) |
//! | train a model with latent variables | [variational_inference] |
//! | use several devices | [many_devices] |
//! | reproduce a seeded run bit for bit | [many_devices](many_devices#reproducible-runs) |
//! | weight a loss by tokens, or sum it | [loss_weights](loss_weights#weight-a-loss-by-tokens) |
//! | show training and validation side by side | [diagnostics](diagnostics#reading-a-summary) |
//! | write to TensorBoard, a text file or a picture | [logging] |
//! | log an image, or a single number | [logging](logging#one-value-without-a-summary) |
//! | write a reduction | [extending](extending#write-a-reduction) |
//! | write an evaluator by hand | [extending](extending#write-an-evaluator) |
//! | write a sink | [extending](extending#write-a-sink) |
//! | freeze a backbone | [frozen_backbones] |
//! | port a training loop that uses tch | [from_tch] |
//! | port a program from booster-pytorch | [from_python] |
//! | run the examples | [installation](installation#run-the-examples) |
//! | see what booster gets right | [why] |
//! | install booster, or use my own libtorch | [installation](installation#your-own-libtorch) |
//! | see why there is no CUDA | [installation](installation#why-there-is-no-cuda) |

// The pages link to these by name.
#[cfg(doc)]
use self::names::*;

/// The items that the pages link to.
#[cfg(doc)]
mod names {
    pub(super) use crate::diagnostic::{Array, Histogram, Leaf, MetricValue, RatioReduction};
    pub(super) use crate::evaluation::{
        AuxiliaryLosses, Classification, FreeBits, LatentVariableModel, Latents, Observed, VariationalInference,
    };
    pub(super) use crate::functional::{image_grid, why_no_cuda};
    pub(super) use crate::logging::{Curves, Image, Point, TextLog, WrittenTags};
    pub(super) use crate::models::SimpleVae;
    pub(super) use crate::optim::{Adam, AdamW, Sgd};
    pub(super) use crate::prelude::*;
    pub(super) use crate::training::{Ema, Step, TrainerBuilder};
    pub(super) use crate::transfers::host_reads;
    pub(super) use crate::{DiagnosticExt, Error, Reduction, distributions, guide, optim};
}

#[doc = include_str!("diagnostics.md")]
pub mod diagnostics {}

#[doc = include_str!("evaluators.md")]
pub mod evaluators {}

#[doc = include_str!("training.md")]
pub mod training {}

#[doc = include_str!("loss_weights.md")]
pub mod loss_weights {}

#[doc = include_str!("variational_inference.md")]
pub mod variational_inference {}

#[doc = include_str!("many_devices.md")]
pub mod many_devices {}

#[doc = include_str!("logging.md")]
pub mod logging {}

#[doc = include_str!("extending.md")]
pub mod extending {}

#[doc = include_str!("frozen_backbones.md")]
pub mod frozen_backbones {}

#[doc = include_str!("from_tch.md")]
pub mod from_tch {}

#[doc = include_str!("from_python.md")]
pub mod from_python {}

#[doc = include_str!("why.md")]
pub mod why {}

#[doc = include_str!("installation.md")]
pub mod installation {}
