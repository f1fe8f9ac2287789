//! Evaluators: functions of a model and a batch that give a loss, diagnostics and an output.

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

/// What an evaluation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// A training step: dropout drops, batch-norm learns its statistics.
    Train,
    /// Everything else.
    Eval,
}

impl Mode {
    /// Whether this is [`Mode::Train`]: what [`ModuleT::forward_t`](tch::nn::ModuleT::forward_t) asks for.
    pub fn is_train(self) -> bool {
        self == Self::Train
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_train() { "train" } else { "eval" })
    }
}

/// A function of a model and a batch that gives the loss, the diagnostics and the output, with its parameters.
///
/// Write the function and put [`#[evaluator]`](macro@crate::evaluator) on it; implementing the trait by hand is the
/// long way. A pipeline runs the same evaluator on one device or many.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an evaluator",
    label = "not an evaluator",
    note = "annotate the function that computes the loss with `#[evaluator]`, and use the struct that it makes: \
            `fn classification` makes `Classification`",
    note = "for another crate's type, call it in such a function"
)]
pub trait Evaluator: Clone + Send + 'static {
    /// The model that is evaluated.
    type Model: Send + 'static;
    /// What it is evaluated on.
    type Batch: Batch;
    /// What is measured.
    type Diagnostics: Diagnostic;
    /// What is given back besides; `()` for nothing.
    type Output: Batch;

    /// Evaluates the model on a batch that is on the model's device.
    ///
    /// # Errors
    /// The evaluator's own.
    fn evaluate(
        &self,
        model: &Self::Model,
        batch: &Self::Batch,
        mode: Mode,
    ) -> Result<(Loss, Self::Diagnostics, Self::Output)>;
}
