//! Bounds on the parameters and the error of an `#[evaluator]` function, as traits with their own compiler messages.

use crate::error::Error;

/// A parameter of an evaluator.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of an evaluator",
    label = "not `Clone`",
    note = "derive `Clone`: each replica of a model has its own evaluator",
    note = "for a type from another crate, store the values it is built from; a `Tensor` or a layer belongs in the \
            model, as a variable or a field"
)]
pub trait EvaluatorParam {
    /// Clones the parameter, so that the macro depends on this trait alone.
    #[must_use]
    fn copied(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> EvaluatorParam for T {
    fn copied(&self) -> Self {
        self.clone()
    }
}

/// The error type of an evaluator function.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of an evaluator",
    label = "cannot be converted into `booster::Error`",
    note = "return `booster::Result<..>`, and convert other errors with `.map_err(booster::Error::custom)`",
    note = "for a type of your own, implement `From<{Self}>` for `booster::Error` with `booster::Error::custom`"
)]
pub trait EvaluatorError {
    /// Converts the error into an [`Error`].
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> EvaluatorError for E {
    fn into_error(self) -> Error {
        self.into()
    }
}
