//! What comes out beside errors: uses of the struct as a diagnostic, and of its summary, stay quiet.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{DeriveInput, parse_quote};

use super::ast::Container;
use super::summary::Summary;
use crate::fallback::InError;
use crate::library::Library;

/// `errors`, a summary of what is known of the struct, and an implementation that shows nothing.
pub(super) fn container(
    library: &Library,
    input: &DeriveInput,
    summary: Option<&Ident>,
    known: Option<Container<'_>>,
    errors: TokenStream,
) -> TokenStream {
    let ident = &input.ident;
    let (summary, summary_ty) = if errors.is_empty() {
        // What rustc reports on the struct is no constant to depend on.
        (TokenStream::new(), quote!(#library::EmptySummary))
    } else {
        let in_error = InError::new(&input.attrs, &input.vis, ident, errors);
        let constant = in_error.constant();
        let known = known.unwrap_or_else(|| Container::empty(input, summary));
        let summary = Summary::new(library, &known);
        let structs = summary.fallback(&in_error);
        (quote!(#constant #structs), in_error.ty())
    };
    let mut generics = input.generics.clone();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    // Quantified, so that rustc does not refuse the bound where it is false: what the trait asks
    // of a struct is not to be reported here.
    generics.make_where_clause().predicates.push(parse_quote! {
        for<'fallback> #ident #ty_generics: ::core::marker::Send + 'static
    });
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #summary

        #[automatically_derived]
        impl #impl_generics #library::Diagnostic for #ident #ty_generics #where_clause {
            type Summary = #summary_ty;

            fn visit<'leaves>(&'leaves self, _: &mut #library::Leaves<'leaves>) {}

            fn visit_mut<'leaves>(&'leaves mut self, _: &mut #library::LeavesMut<'leaves>) {}
        }
    }
}
