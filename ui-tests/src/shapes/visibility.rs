//! Modules in modules, and every visibility.

/// A module.
pub mod outer {
    /// A module in it.
    pub mod inner {
        /// Seen two modules up.
        #[allow(dead_code)]
        #[derive(::core::fmt::Debug, ::booster::Diagnostic)]
        pub(in super::super) struct Near {
            #[group = "loss"]
            pub(super) value: ::booster::tch::Tensor,
        }

        #[allow(dead_code)]
        #[derive(::core::fmt::Debug, ::booster::Diagnostic)]
        struct Private {
            #[group = "info"]
            value: f64,
            #[diagnostic(flatten)]
            inner: Near,
        }

        #[derive(::core::fmt::Debug, ::booster::Batch)]
        pub(crate) struct Pair(pub(crate) ::booster::tch::Tensor, ::booster::tch::Tensor);

        impl Pair {
            pub(crate) fn new(value: &::booster::tch::Tensor) -> Self {
                Self(value.shallow_clone(), value.shallow_clone())
            }
        }

        #[::booster::evaluator]
        pub(crate) fn nearby(
            _: &(),
            Pair(first, second): &Pair,
            _: ::booster::Mode,
            #[param] scale: f64,
        ) -> ::booster::Result<::booster::tch::Tensor> {
            #[group = "loss"]
            let value: ::booster::tch::Tensor = first.f_add(second)?;
            ::core::result::Result::Ok(value.f_mul_scalar(scale)?)
        }
    }

    /// Reads a field of a summary.
    pub(super) fn value(summary: &inner::NearSummary) -> f64 {
        summary.loss.value
    }
}

/// Uses what is seen here.
///
/// # Errors
/// The evaluator's.
pub fn uses(tensor: &::booster::tch::Tensor) -> ::booster::Result<f64> {
    use ::booster::{DiagnosticExt as _, Evaluator as _};

    let evaluator = outer::inner::Nearby::new(0.5);
    let (_, diagnostics, ()) = evaluator.evaluate(&(), &outer::inner::Pair::new(tensor), ::booster::Mode::Eval)?;
    let read: fn(&outer::inner::NearSummary) -> f64 = outer::value;
    let _ = read;
    ::core::result::Result::Ok(diagnostics.summary()?.loss.value)
}
