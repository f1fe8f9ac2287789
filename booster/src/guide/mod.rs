//! The guide: one page per subject, with programs to copy from.
//!
//! | How do I … | Where |
//! |---|---|
//! | measure something, or choose how it is reduced | [diagnostics](diagnostics#reductions) |
//! | weight a metric by tokens | [diagnostics](diagnostics#weight-a-metric-by-tokens) |
//! | leave NaN out of a metric | [diagnostics](diagnostics#values-that-are-nan-or-infinite) |
//! | merge or save an aggregator | [diagnostics](diagnostics#aggregating) |
//! | write the function that computes the loss | [evaluators] |
//! | change a parameter of it by a schedule | [evaluators](evaluators#change-a-parameter-while-training) |
//! | predict without targets | [evaluators](evaluators#predict-without-targets) |
//! | accumulate, clip, average weights | [training](training#the-trainer) |
//! | schedule the learning rate | [training](training#learning-rates-and-other-schedules) |
//! | log the learning rate | [training](training#log-the-learning-rate) |
//! | skip NaN steps | [training](training#skip-nan-steps) |
//! | stop early, or keep the best model | [training](training#the-best-summary-and-early-stopping) |
//! | save and resume | [training](training#save-and-resume) |
//! | install booster, or use my own libtorch | [installation](installation#your-own-libtorch) |
//! | see why there is no CUDA | [installation](installation#why-there-is-no-cuda) |

// The pages link to these by name.
#[cfg(doc)]
use tch::Tensor;

#[cfg(doc)]
use crate::evaluation::{Classification, VariationalInference};
#[cfg(doc)]
use crate::functional::why_no_cuda;
#[cfg(doc)]
use crate::guide;
#[cfg(doc)]
use crate::logging::Point;
#[cfg(doc)]
use crate::prelude::*;
#[cfg(doc)]
use crate::training::{Ema, Step, TrainerBuilder};
#[cfg(doc)]
use crate::{DiagnosticExt, Error, Reduction};

#[doc = include_str!("diagnostics.md")]
pub mod diagnostics {}

#[doc = include_str!("evaluators.md")]
pub mod evaluators {}

#[doc = include_str!("training.md")]
pub mod training {}

#[doc = include_str!("installation.md")]
pub mod installation {}
