//! What comes out beside errors: uses of the struct as a diagnostic stay quiet.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::library::Library;
use crate::names;

/// `errors` and an empty implementation.
pub(super) fn container(library: &Library, input: &DeriveInput, errors: Option<&TokenStream>) -> TokenStream {
    let (ident, vis) = (&input.ident, &input.vis);
    let mut generics = input.generics.clone();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    // Quantified, so that rustc does not refuse the bound where it is false: what the trait asks
    // of a struct is not to be reported here.
    generics.make_where_clause().predicates.push(parse_quote! {
        for<'fallback> #ident #ty_generics: ::core::marker::Send + 'static
    });
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    // The summary's name too may stand in the user's code.
    let summary = input.generics.params.is_empty().then(|| {
        let name = names::generated(&format!("{}Summary", names::plain(ident)), ident.span());
        quote!(#[doc(hidden)] #[allow(dead_code)] #vis type #name = #library::EmptySummary;)
    });
    quote! {
        #errors
        #summary

        #[automatically_derived]
        impl #impl_generics #library::Diagnostic for #ident #ty_generics #where_clause {
            type Summary = #library::EmptySummary;

            fn visit<'leaves>(&'leaves self, _: &mut #library::Leaves<'leaves>) {}

            fn visit_mut<'leaves>(&'leaves mut self, _: &mut #library::LeavesMut<'leaves>) {}
        }
    }
}
