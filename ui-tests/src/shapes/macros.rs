//! Structs and evaluators written by a `macro_rules!`, and macros in the place of types.

use ::booster::tch::Kind;

/// A type by a macro.
macro_rules! tensor {
    () => {
        ::booster::tch::Tensor
    };
}

/// Diagnostics, a batch and an evaluator of given names.
macro_rules! family {
    ($vis:vis $diagnostics:ident $batch:ident $function:ident, $group:literal: $field:ident: $ty:ty = $default:expr) => {
        /// Diagnostics by a macro.
        #[derive(::core::fmt::Debug, ::booster::Diagnostic)]
        $vis struct $diagnostics {
            /// A field by a macro.
            #[group = $group]
            #[metric(mean, max)]
            $vis $field: $ty,
            /// A field of the macro.
            #[group = "own"]
            #[metric(histogram(-1, 2.5, 20))]
            $vis own: ::core::option::Option<$ty>,
        }

        /// A batch by a macro.
        #[derive(::core::fmt::Debug, ::booster::Batch)]
        $vis struct $batch($vis $ty);

        /// An evaluator by a macro.
        #[::booster::evaluator]
        $vis fn $function(
            _: &(),
            batch: &$batch,
            _: ::booster::Mode,
            /// A parameter by a macro.
            #[param(default = $default)]
            $field: f64,
        ) -> ::booster::Result<$ty> {
            /// A value by a macro.
            #[group = $group]
            let value: $ty = batch.0.f_mul_scalar($field)?;
            ::core::result::Result::Ok(value.f_mean(Kind::Float)?)
        }
    };
}

family!(pub ByMacro BatchByMacro through_macro, "type": field: ::booster::tch::Tensor = 0.1 + 0.2);

/// Types by a macro.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct MacroTypes {
    /// A type by a macro.
    #[group = "loss"]
    pub value: tensor!(),
}

/// A batch of a type by a macro.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct MacroBatch {
    /// A type by a macro.
    pub value: tensor!(),
}

/// Reads them.
#[must_use]
pub fn sum(summary: &ByMacroSummary) -> f64 {
    summary.r#type.field + summary.r#type.field_max + ThroughMacro::new().with_field(2.0).field
}
