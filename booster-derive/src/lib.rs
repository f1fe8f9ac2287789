//! The macros of `booster`: `#[derive(Diagnostic)]`, `#[derive(Batch)]` and `#[evaluator]`.
//!
//! Use them through `booster`, which re-exports them beside the traits they implement.

mod batch;
mod ctxt;
mod diagnostic;
mod evaluator;
mod generics;
mod library;
mod meta;
mod names;
mod suggest;

use proc_macro::TokenStream;

/// Implements `Diagnostic` for a struct of measured values.
#[proc_macro_derive(Diagnostic, attributes(group, metric, diagnostic))]
pub fn derive_diagnostic(input: TokenStream) -> TokenStream {
    diagnostic::derive(input.into()).into()
}

/// Implements `Batch` for a struct of tensors.
#[proc_macro_derive(Batch, attributes(batch))]
pub fn derive_batch(input: TokenStream) -> TokenStream {
    batch::derive(input.into()).into()
}

/// Turns a function into an evaluator.
#[proc_macro_attribute]
pub fn evaluator(arguments: TokenStream, item: TokenStream) -> TokenStream {
    evaluator::attribute(arguments.into(), &item.into()).into()
}
