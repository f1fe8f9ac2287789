//! Items in the bodies of functions.

/// Measures with a struct of its own.
///
/// # Errors
/// The diagnostics'.
pub fn measure(value: f64) -> ::booster::Result<f64> {
    use ::booster::DiagnosticExt as _;

    #[derive(::core::fmt::Debug, ::booster::Diagnostic)]
    struct Local {
        #[group = "loss"]
        value: f64,
    }

    #[derive(::core::fmt::Debug, ::booster::Batch)]
    struct Batch(::booster::tch::Tensor);

    mod evaluators {
        #[::booster::evaluator]
        pub(super) fn nested(
            _: &(),
            batch: &::booster::tch::Tensor,
            _: ::booster::Mode,
        ) -> ::booster::Result<::booster::tch::Tensor> {
            ::core::result::Result::Ok(batch.shallow_clone())
        }
    }

    let _ = (evaluators::Nested::new(), Batch(::booster::tch::Tensor::new()));
    ::core::result::Result::Ok(Local { value }.summary()?.loss.value)
}
