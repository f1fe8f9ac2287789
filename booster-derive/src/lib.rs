//! The macros of `booster`: [`Diagnostic`](derive@Diagnostic), [`Batch`](derive@Batch) and
//! [`evaluator`](macro@evaluator).
//!
//! Use them through `booster`, which re-exports them with the traits they implement and contains runnable examples.
//! The examples here are not compiled, since this crate links neither `booster` nor libtorch.
//!
//! `src/snapshots` contains formatted expansions; start with `diagnostic_plain.snap`, `batch_named.snap` and
//! `evaluator_first_form.snap`. `ui-tests/cases` contains the error messages.
//!
//! Generated code refers to the library by its name in the package's `Cargo.toml`, or as `::booster` if that name
//! is ambiguous. The attribute argument `crate = path` overrides both.
//!
//! All errors in an input are reported at once, each on its own token. The output then contains placeholders for the
//! generated items, which prevent follow-up errors, and the function annotated with `#[evaluator]`.

mod batch;
mod completion;
mod ctxt;
mod diagnostic;
mod evaluator;
mod fallback;
mod generics;
mod half_typed;
mod library;
mod manifest;
mod meta;
mod names;
mod owned;
mod suggest;
#[cfg(test)]
mod tests;
mod text;

use proc_macro::TokenStream;

/// Implements `Diagnostic` for a struct of measured values, and generates its summary structs.
///
/// The summary of `VaeDiagnostics` is `VaeDiagnosticsSummary`, with one field per group. Group `loss` is a
/// `VaeDiagnosticsSummaryLoss`, with one field per metric: usually an `f64`, or an `Option<f64>` if the measured field
/// is an `Option`. A flattened field keeps its own summary under its own name.
///
/// ```ignore
/// #[derive(Diagnostic)]
/// pub struct VaeDiagnostics<A: Diagnostic> {
///     /// Evidence lower bound.
///     #[group = "loss"]
///     pub elbo: Tensor,
///     #[group = "loss"]
///     #[metric(mean, std, p95)]
///     pub kl: Tensor,
///     #[group = "info"]
///     #[metric(last)]
///     pub beta: f64,
///     #[group = "info"]
///     #[metric(samples)]
///     pub tokens: i64,
///     #[diagnostic(flatten)]
///     pub auxiliary: A,
///     #[diagnostic(skip)]
///     pub cache: Scratch,
/// }
/// // summary.loss.elbo, .kl, .kl_std and .kl_p95, summary.info.beta, summary.auxiliary
/// ```
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[group = "name"]` | field | The group's name, an identifier. It names a field of the summary and is the first part of the tag `name/field`. Required for measured fields. |
/// | `#[metric(mean, ..)]` | field | The reductions over samples and steps, `mean` by default; see below. |
/// | `#[metric(samples)]` | field | The number of samples, which weights the values in the struct that are not given per sample. Reduced by `sum`. |
/// | `#[diagnostic(flatten)]` | field | The field is itself a diagnostic. |
/// | `#[diagnostic(skip)]` | field | The field is not measured. |
/// | `#[diagnostic(summary = Name)]` | struct | The name of the summary, if the default name conflicts with another struct. |
/// | `#[diagnostic(crate = path)]` | struct | The path of `booster`, if it is not a direct dependency: for example, `crate::facade::booster`. |
///
/// # Reductions
///
/// A field's first reduction becomes a metric with the field's name; each further one is named `{field}_{suffix}`.
/// `#[metric(mean, std, p95)] kl` becomes `kl`, `kl_std` and `kl_p95`, and `#[metric(std)] kl` becomes `kl`. All are
/// computed in one pass.
///
/// | reduction | result | suffix | value |
/// |---|---|---|---|
/// | `mean`, `sum`, `min`, `max`, `last` | As named; `last` is the value of the last step. | as written | `f64` |
/// | `count` | The number of samples: the sum of their weights, or of the denominators of ratios. | `count` | `f64` |
/// | `std`, `var` | The standard deviation and the variance. | as written | `f64` |
/// | `p50`, `p95`, `p99_9` | A percentile, strictly between 0 and 100 with at most two decimals, estimated by a sketch. | as written | `f64` |
/// | `ema(0.99)` | The exponential moving average, with a decay per sample strictly between 0 and 1. | `ema` | `f64` |
/// | `histogram` | A histogram with an automatic range. | `histogram` | `booster::diagnostic::Histogram` |
/// | `histogram(low, high, bins)` | A histogram with 1 to 10000 bins of equal width between two literal bounds. | `histogram` | `booster::diagnostic::Histogram` |
/// | `mean_dims` | The mean over samples, keeping the other dimensions. | `mean_dims` | `booster::diagnostic::Array` |
/// | `reduce = path::To::Type` | A custom `booster::Reduction`. | `type`: the last path segment in snake case | `Type::Value` |
/// | `samples` | The sum; the field counts the samples. Cannot be combined with others. | | `f64` |
///
/// Two metrics in a group cannot have the same name, even if one of them is in a flattened field.
///
/// Type parameters need no bounds: the derived `impl Diagnostic` adds those that the field types require.
#[proc_macro_derive(Diagnostic, attributes(group, metric, diagnostic))]
pub fn derive_diagnostic(input: TokenStream) -> TokenStream {
    diagnostic::derive(&input.into()).into()
}

/// Implements `Batch` for a struct whose fields are tensors and other batches.
///
/// Structs can have named fields, unnamed fields or no fields. The first dimension of each tensor indexes the samples.
///
/// ```ignore
/// #[derive(Batch)]
/// pub struct Labeled {
///     pub input: Tensor,  // [batch, *dims]
///     pub target: Tensor, // [batch]
/// }
/// ```
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[batch(crate = path)]` | struct | The path of `booster`, if it is not a direct dependency: for example, `crate::facade::booster`. |
#[proc_macro_derive(Batch, attributes(batch))]
pub fn derive_batch(input: TokenStream) -> TokenStream {
    batch::derive(&input.into()).into()
}

/// Turns a function of a model, a batch and a mode into an `Evaluator`.
///
/// The function `classification` becomes the struct `Classification`, with its visibility and documentation. In the
/// first form, the function returns the loss as a `Result<Tensor>` or `Result<Loss>`, and marks its diagnostics and
/// output:
///
/// ```ignore
/// /// Cross-entropy classification.
/// #[evaluator]
/// pub fn classification<M: ModuleT>(
///     model: &M,
///     batch: &Labeled,
///     mode: Mode,
///     /// The share of the target that is spread over all classes.
///     #[param]
///     label_smoothing: f64,
/// ) -> booster::Result<Tensor> {
///     #[output]
///     let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
///     #[group = "loss"]
///     let nll: Tensor = losses(&logits, &batch.target, label_smoothing)?;
///     Ok(nll.f_mean(Kind::Float)?)
/// }
/// // Classification::new(0.1), ClassificationDiagnostics { nll }, ClassificationOutput { logits }
/// ```
///
/// In the second form, the function returns your own types and marks nothing:
///
/// ```ignore
/// #[evaluator]
/// pub fn elbo(model: &Vae, batch: &Images, mode: Mode, #[param] beta: f64)
///     -> booster::Result<(Loss, VaeDiagnostics<()>, VaeOutput)> { .. }
/// ```
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[evaluator(name = Name)]` | function | The name of the struct, instead of the function's name in `UpperCamelCase`: for example, if a function `vae` uses a struct `Vae`. |
/// | `#[evaluator(crate = path)]` | function | The path of `booster`, if it is not a direct dependency: for example, `crate::facade::booster`. |
/// | `#[param]` | argument after the mode | A field of the evaluator and an argument of `new`. For an argument of type `&T`, the field has type `T` and is borrowed for each call; for an argument of any other type, the field is cloned. |
/// | `#[param(default = expression)]` | argument after the mode | As above, but `new` sets the field to the expression, and `with_{name}` changes it. |
/// | `#[group = ".."]`, `#[metric(..)]` | `let` | The value becomes a field of the diagnostics; see [`Diagnostic`](derive@Diagnostic). |
/// | `#[output]` | `let` | The value becomes a field of the output. |
///
/// A marked `let` must be a top-level statement of the function body, must have a type annotation and cannot be `mut`.
/// The field takes the value that the `let` binds, which may be moved or shadowed afterwards. A later write to the
/// value's tensor through another name (`let mut total = nll; total += &kl;`) is a runtime error that names the field;
/// write to a `copy()` instead. Writes that do not change the tensor's version in libtorch, such as those to
/// `tensor.data()`, go undetected.
///
/// In a function with marked `let`s, the loss must be the last expression, and `return` can only return errors. The
/// struct has the function's type parameters, and another one for each `&impl Trait` model or batch. `?` converts
/// errors from tch and booster; convert other errors with `.map_err(booster::Error::custom)?`.
#[proc_macro_attribute]
pub fn evaluator(arguments: TokenStream, item: TokenStream) -> TokenStream {
    evaluator::attribute(arguments.into(), &item.into()).into()
}
