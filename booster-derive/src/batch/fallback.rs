//! What comes out beside errors: uses of the type as a batch stay quiet.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_quote};

use crate::library::Library;

/// `errors` and an implementation that never runs.
pub(super) fn container(library: &Library, input: &DeriveInput, errors: &TokenStream) -> TokenStream {
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    // Quantified, so that rustc does not refuse the bound where it is false: what the trait asks
    // of a struct is not to be reported here.
    generics.make_where_clause().predicates.push(parse_quote! {
        for<'fallback> #ident #ty_generics: ::core::marker::Send + 'static
    });
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    quote! {
        #errors

        #[automatically_derived]
        impl #impl_generics #library::Batch for #ident #ty_generics #where_clause {
            fn visit_tensors(
                &self,
                _: #library::FieldPath<'_>,
                _: &mut dyn ::core::ops::FnMut(
                    #library::FieldPath<'_>,
                    &#library::Tensor,
                ) -> #library::Result<()>,
            ) -> #library::Result<()> {
                ::core::unreachable!()
            }

            fn map_tensors(
                &self,
                _: #library::FieldPath<'_>,
                _: &mut dyn ::core::ops::FnMut(
                    #library::FieldPath<'_>,
                    &#library::Tensor,
                ) -> #library::Result<#library::Tensor>,
            ) -> #library::Result<Self> {
                ::core::unreachable!()
            }

            fn zip_tensors(
                _: &[&Self],
                _: #library::FieldPath<'_>,
                _: &mut dyn ::core::ops::FnMut(
                    #library::FieldPath<'_>,
                    &[&#library::Tensor],
                ) -> #library::Result<#library::Tensor>,
            ) -> #library::Result<Self> {
                ::core::unreachable!()
            }
        }
    }
}
