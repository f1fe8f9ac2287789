//! The expansion of an erroneous input, which prevents follow-up errors in uses of the struct and its summary.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::DeriveInput;

use super::ast::Container;
use super::expand;
use super::summary::Summary;
use crate::fallback::{self, InError};
use crate::library::Library;

/// Emits `errors`, placeholders for the summary and its groups, and an `impl Diagnostic` without leaves.
pub(super) fn container(
    library: &Library,
    input: &DeriveInput,
    summary: Option<&Ident>,
    known: Option<Container<'_>>,
    errors: TokenStream,
) -> TokenStream {
    let (structs, summary) = if errors.is_empty() {
        // If rustc reports all errors itself, no erroneous constant is generated for a placeholder to depend on.
        (TokenStream::new(), quote!(#library::EmptySummary))
    } else {
        let in_error = InError::new(&input.attrs, &input.vis, &input.ident, errors);
        let constant = in_error.constant();
        let known = known.unwrap_or_else(|| Container::empty(input, summary));
        let structs = Summary::new(library, &known).fallback(&in_error);
        (quote!(#constant #structs), in_error.ty())
    };
    let nothing = [TokenStream::new(), TokenStream::new()];
    let implementation =
        expand::implementation(library, input, &fallback::with_unchecked_bounds(input), &summary, nothing);
    quote!(#structs #implementation)
}
