//! What the function below an `#[evaluator]` may take and return, named so that a type that does not fit is told why.

use crate::error::Error;

/// A parameter of an evaluator.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an evaluator",
    label = "not `Clone`",
    note = "derive `Clone`: each replica of a model has an evaluator of its own",
    note = "of another crate's type, keep what it is made of; a `Tensor` or a layer belongs into the model, as a variable or \
            as a field"
)]
pub trait EvaluatorParam {
    /// [`Clone::clone`], so that the macro names one trait alone.
    #[must_use]
    fn copied(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> EvaluatorParam for T {
    fn copied(&self) -> Self {
        self.clone()
    }
}

/// An error of an evaluator's function.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of an evaluator",
    label = "the error does not become a `booster::Error`",
    note = "return `booster::Result<..>`, and write `.map_err(booster::Error::custom)?` where another error comes up",
    note = "of a type of your own, implement `From<{Self}>` for `booster::Error`, by `booster::Error::custom`"
)]
pub trait EvaluatorError {
    /// The error as the library's.
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> EvaluatorError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}
