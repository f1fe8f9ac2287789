//! The macros of `booster`: [`Diagnostic`](derive@Diagnostic), [`Batch`](derive@Batch) and
//! [`evaluator`](macro@evaluator).
//!
//! Use them through `booster`, which re-exports them beside the traits they implement; examples that run stand there.
//! This crate links neither `booster` nor libtorch, so the examples here are shown and not compiled.
//!
//! What the macros write is in `src/snapshots`, formatted: `diagnostic_plain.snap`, `batch_named.snap` and
//! `evaluator_first_form.snap` are good ones to start with. What they say about misuse is in `ui-tests/cases`.
//!
//! Generated code finds the library under the name that the package's `Cargo.toml` gives it, `::booster` if in doubt;
//! `crate = path` says where else it is.
//!
//! Everything that is wrong with an input is reported at once, each fault on its own token. What would have been made has
//! stand-ins then, so that its uses are no errors too; the function below an `#[evaluator]` stays.

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

/// Implements `Diagnostic` for a struct of measured values, and makes the structs of its summary.
///
/// The summary of `VaeDiagnostics` is `VaeDiagnosticsSummary`, with a field for each group; group `loss` is a
/// `VaeDiagnosticsSummaryLoss`, with a field for each of its metrics: an `f64` mostly, and an `Option` of it where the
/// measured field is an `Option`. A flattened field keeps its own summary, under its own name.
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
/// | `#[group = "name"]` | field | The group, a Rust identifier: a field of the summary and the first part of the tag `name/field`. Every measured field has one. |
/// | `#[metric(mean, ..)]` | field | The reductions over samples and steps, `mean` where nothing is said: see below. |
/// | `#[metric(samples)]` | field | Counts the samples, which weigh the values beside it that are not per sample; its summary is their sum. |
/// | `#[diagnostic(flatten)]` | field | The field is a diagnostic of its own. |
/// | `#[diagnostic(skip)]` | field | The field is not measured. |
/// | `#[diagnostic(summary = Name)]` | struct | The summary's name, if not the struct's and `Summary`: where that is another struct. |
/// | `#[diagnostic(crate = path)]` | struct | Where `booster` is, if not a dependency of the package: `crate::facade::booster`. |
///
/// # Reductions
///
/// The metric of a field's first reduction has the field's name, that of each further one `{field}_{suffix}`:
/// `#[metric(mean, std, p95)] kl` gives `kl`, `kl_std` and `kl_p95`, and `#[metric(std)] kl` gives `kl`. All of them
/// are found in one pass.
///
/// | written | gives | suffix | value |
/// |---|---|---|---|
/// | `mean`, `sum`, `min`, `max`, `last` | What they say; `last` is the value of the last step. | as written | `f64` |
/// | `count` | The number of samples: the sum of their weights, or of the denominators of ratios. | `count` | `f64` |
/// | `std`, `var` | Standard deviation and variance. | as written | `f64` |
/// | `p50`, `p95`, `p99_9` | The percentile, strictly between 0 and 100 and with two decimals at most, by a sketch. | as written | `f64` |
/// | `ema(0.99)` | The exponential moving average; the decay, per sample, lies strictly between 0 and 1. | `ema` | `f64` |
/// | `histogram` | A histogram that finds its own range. | `histogram` | `booster::diagnostic::Histogram` |
/// | `histogram(low, high, bins)` | A histogram of 1 to 10000 equal bins, the ends being numbers. | `histogram` | `booster::diagnostic::Histogram` |
/// | `mean_dims` | The mean over the samples, the other dimensions kept. | `mean_dims` | `booster::diagnostic::Array` |
/// | `reduce = path::To::Type` | What your own `booster::Reduction` says. | `type`: the path's end in snake case | `Type::Value` |
/// | `samples` | The sum; the field counts the samples. It stands alone. | | `f64` |
///
/// Two metrics of one name in one group do not compile: neither within a struct, nor between it and what it flattens.
///
/// Type parameters need no bounds for the derive: the implementation asks each field's type for what it needs.
#[proc_macro_derive(Diagnostic, attributes(group, metric, diagnostic))]
pub fn derive_diagnostic(input: TokenStream) -> TokenStream {
    diagnostic::derive(&input.into()).into()
}

/// Implements `Batch` for a struct whose fields are tensors and other batches.
///
/// The struct has named fields, unnamed ones or none. The first dimension of each tensor is the samples'.
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
/// | `#[batch(crate = path)]` | struct | Where `booster` is, if not a dependency of the package: `crate::facade::booster`. |
#[proc_macro_derive(Batch, attributes(batch))]
pub fn derive_batch(input: TokenStream) -> TokenStream {
    batch::derive(&input.into()).into()
}

/// Turns a function of model, batch and mode into an `Evaluator`.
///
/// The function `classification` becomes the struct `Classification`, with its visibility and documentation. In the
/// first form it returns its loss, `Result<Tensor>` or `Result<Loss>`, and marks what else it gives:
///
/// ```ignore
/// /// Cross-entropy classification.
/// #[evaluator]
/// pub fn classification<M: ModuleT>(
///     model: &M,
///     batch: &Labeled,
///     mode: Mode,
///     /// How much of the target is spread over all classes.
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
/// In the second form the types are the user's own, and nothing is marked:
///
/// ```ignore
/// #[evaluator]
/// pub fn elbo(model: &Vae, batch: &Images, mode: Mode, #[param] beta: f64)
///     -> booster::Result<(Loss, VaeDiagnostics<()>, VaeOutput)> { .. }
/// ```
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[evaluator(name = Name)]` | function | The struct's name, if not the function's in `UpperCamelCase`: for a function `vae` beside a struct `Vae`. |
/// | `#[evaluator(crate = path)]` | function | Where `booster` is, if not a dependency of the package: `crate::facade::booster`. |
/// | `#[param]` | argument behind the mode | A public field of the evaluator and an argument of `new`. A `&T` is a field `T` lent for the call, any other type is cloned for it. |
/// | `#[param(default = expression)]` | argument behind the mode | The same, but `new` sets it to the expression, and `with_name` changes it. |
/// | `#[group = ".."]`, `#[metric(..)]` | `let` | The value becomes a field of the diagnostics; see [`Diagnostic`](derive@Diagnostic). |
/// | `#[output]` | `let` | The value becomes a field of the output. |
///
/// A marked `let` is a statement of the function's own body, says its type and is not `mut`: it binds the final value, which
/// may be moved or shadowed later. A later write to its tensor through another name (`let mut total = nll; total += &kl;`)
/// is an error that names the field: write to a `copy()`. What libtorch does not count is not found, as a write to
/// `tensor.data()`.
///
/// Where something is marked, the loss is the last expression, and `return` gives errors alone. Type parameters are those
/// of the struct; `&impl Trait` for model or batch makes one. Errors become booster's by `?` if they come from tch or from
/// booster, and by `.map_err(booster::Error::custom)?` if they are any other.
#[proc_macro_attribute]
pub fn evaluator(arguments: TokenStream, item: TokenStream) -> TokenStream {
    evaluator::attribute(arguments.into(), &item.into()).into()
}
