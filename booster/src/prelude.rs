//! The most commonly used items, for `use booster::prelude::*;`.

pub use crate::diagnostic::{Aggregator, NonFinite, Ratio, Summary, SummaryTable, Weighted};
pub use crate::evaluation::{Evaluator, Labeled, Loss, Mode};
pub use crate::functional::{ScalarOps, available_device};
pub use crate::logging::{Sink, SinkExt as _, TensorBoard};
pub use crate::optim::Optimizer as _;
pub use crate::pipeline::{
    BatchOf, DataParallelPipeline, DiagnosticsOf, EvaluationPipeline, ModelOf, OutputOf, Pipeline,
};
pub use crate::training::{
    Best, LearningRate, Schedule, Trainer, Trigger, training_step, training_step_with_output, validation_step,
    validation_step_with_output,
};
pub use crate::{Batch, Diagnostic, DiagnosticExt as _, evaluator};
