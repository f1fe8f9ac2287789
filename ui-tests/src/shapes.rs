//! Diagnostics, batches and evaluators of many shapes, with nothing of the standard prelude in scope.

use ::booster::Diagnostic as _;
use ::booster::tch::Kind;
use ::booster::tch::nn::ModuleT;

/// Names that the generated code must not mean.
pub mod shadows {
    /// Not the standard one.
    #[derive(::core::fmt::Debug)]
    pub struct Result;
    /// Not the standard one.
    #[derive(::core::fmt::Debug)]
    pub struct Option;
    /// Not the standard one.
    #[derive(::core::fmt::Debug)]
    pub struct Vec;
}

/// Raw identifiers as field and group.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Raw {
    /// A field whose name is a keyword.
    #[group = "type"]
    pub r#loop: ::booster::tch::Tensor,
    /// A field that may be absent.
    #[group = "type"]
    pub maybe: ::core::option::Option<f64>,
}

/// Lifetimes, constants, defaults and a where-clause.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Generic<'a, A = (), const N: usize = 2>
where
    A: ::booster::Diagnostic,
    Self: 'static,
{
    /// A field.
    #[group = "loss"]
    pub value: f32,
    /// Another's.
    #[diagnostic(flatten)]
    pub auxiliary: A,
    /// Not measured.
    #[diagnostic(skip)]
    pub names: [&'a str; N],
}

mod inner {
    #[allow(unused_imports)]
    use super::shadows::*;

    /// In a module where `Result`, `Option` and `Vec` are something else.
    #[derive(::core::fmt::Debug, ::booster::Diagnostic)]
    pub(crate) struct Shadowed {
        #[group = "loss"]
        pub(crate) value: ::booster::tch::Tensor,
    }

    #[derive(::core::fmt::Debug, ::booster::Batch)]
    pub(super) struct Pair(pub(super) ::booster::tch::Tensor, pub(super) ::booster::tch::Tensor);
}

/// No field at all.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Nothing {}

/// A batch of a batch.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Nested<B> {
    /// The inner one.
    pub inner: B,
}

/// No tensor at all.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Empty;

/// The mean of the outputs, by a pattern in the arguments.
#[::booster::evaluator]
pub fn outputs<M: ModuleT>(
    model: &M,
    ::booster::evaluation::Labelled { input, .. }: &::booster::evaluation::Labelled,
    mode: ::booster::Mode,
    /// A factor.
    #[param]
    beta: f64,
    /// Names, never cloned.
    #[param(default = [::std::string::String::new()])]
    names: &[::std::string::String; 1],
) -> ::booster::Result<::booster::tch::Tensor> {
    /// What the model gave.
    #[output]
    #[group = "info"]
    let output: ::booster::tch::Tensor = model.forward_t(input, mode.is_train());
    let output = output * beta;
    if names.is_empty() {
        return ::core::result::Result::Err(::booster::Error::custom("no name"));
    }
    ::core::result::Result::Ok(output.f_mean(Kind::Float)?)
}

/// All of them, used.
///
/// # Errors
/// None: it is never run.
pub fn uses() -> ::booster::Result<()> {
    let pair = inner::Pair(::booster::tch::Tensor::new(), ::booster::tch::Tensor::new());
    let _: &::booster::tch::Tensor = &pair.0;
    let _: &::booster::tch::Tensor = &pair.1;
    let shadowed = inner::Shadowed { value: ::booster::tch::Tensor::new() };
    let _: &::booster::tch::Tensor = &shadowed.value;
    let summary = Raw { r#loop: ::booster::tch::Tensor::new(), maybe: ::core::option::Option::None }.summary()?;
    let _: (f64, ::core::option::Option<f64>) = (summary.r#type.r#loop, summary.r#type.maybe);
    ::core::result::Result::Ok(())
}
