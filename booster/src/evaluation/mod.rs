//! Evaluators: functions that compute loss, diagnostics and output from a model and a batch.

mod accepted;
mod classification;
mod loss;
mod variational_inference;

use std::fmt;

pub use self::accepted::{EvaluatorError, EvaluatorParam};
pub use self::classification::{
    ClassWeights, Classification, ClassificationDiagnostics, ClassificationDiagnosticsSummary, ClassificationOutput,
    Labeled,
};
pub use self::loss::Loss;
pub use self::variational_inference::{
    AuxiliaryLosses, FreeBits, FreeBitsClamp, FreeBitsGroups, LatentVariableModel, Latents, Observed,
    VariationalInference, VariationalInferenceDiagnostics, VariationalInferenceDiagnosticsSummary,
    VariationalInferenceDiagnosticsSummaryLoss, VariationalInferenceDiagnosticsSummaryMetrics,
    VariationalInferenceDiagnosticsSummaryParameters, VariationalInferenceOutput, effective_sample_size,
    importance_weighted_bound,
};
use crate::batch::Batch;
use crate::diagnostic::Diagnostic;
use crate::error::Result;

/// The mode in which a model is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Training: dropout is active, and batch norm updates its running statistics.
    Train,
    /// Validation, testing or inference.
    Eval,
}

impl Mode {
    /// Returns `true` for [`Mode::Train`], as the argument of [`ModuleT::forward_t`](tch::nn::ModuleT::forward_t).
    pub fn is_train(self) -> bool {
        self == Self::Train
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_train() { "train" } else { "eval" })
    }
}

/// A function that computes loss, diagnostics and output from a model and a batch, with its parameters.
///
/// Usually implemented by writing the function and annotating it with [`#[evaluator]`](macro@crate::evaluator). A
/// pipeline runs the same evaluator on one device or many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an evaluator",
    label = "not an evaluator",
    note = "annotate the function that computes the loss with `#[evaluator]`, and use the struct it generates: \
            `fn classification` generates `Classification`",
    note = "to use a type from another crate, call it in a function with `#[evaluator]`"
)]
pub trait Evaluator: Clone + Send + 'static {
    /// The model.
    type Model: Send + 'static;
    /// The model's batch.
    type Batch: Batch;
    /// The measured values.
    type Diagnostics: Diagnostic;
    /// The additional output, or `()`.
    type Output: Batch;

    /// Evaluates the model on a batch that is on the model's device.
    ///
    /// # Errors
    /// Returns an error if the evaluation fails.
    fn evaluate(
        &self,
        model: &Self::Model,
        batch: &Self::Batch,
        mode: Mode,
    ) -> Result<(Loss, Self::Diagnostics, Self::Output)>;
}
