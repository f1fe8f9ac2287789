//! `impl Batch`: one walk over the tensors for each way to use them.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Fields, Generics, WherePredicate, parse_quote};

use super::ast::Container;
use crate::generics::{self, is_generic};
use crate::library::Library;
use crate::meta;

pub(super) fn container(library: &Library, container: &Container<'_>) -> TokenStream {
    let ident = &container.input.ident;
    let lints = meta::lint_levels(&container.input.attrs);
    let generics = impl_generics(library, container);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let methods = [visit_tensors(library, container), map_tensors(library, container), zip_tensors(library, container)];
    quote! {
        #lints
        #[automatically_derived]
        impl #impl_generics #library::Batch for #ident #ty_generics #where_clause {
            #(#methods)*
        }
    }
}

/// The user's generics, and a bound for each field whose type mentions a parameter.
fn impl_generics(library: &Library, container: &Container<'_>) -> Generics {
    let mut generics = container.input.generics.clone();
    let batch = library.item("Batch", Span::call_site());
    let types = container.fields.iter().map(|field| field.ty);
    let predicates: Vec<WherePredicate> =
        types.filter(|ty| is_generic(&container.input.generics, ty)).map(|ty| parse_quote!(#ty: #batch)).collect();
    generics::add_predicates(&mut generics, predicates);
    generics
}

/// `name`, or `_` in the method of a struct without fields, which uses none of its arguments.
fn argument(container: &Container<'_>, name: TokenStream) -> TokenStream {
    if container.fields.is_empty() { quote!(_) } else { name }
}

fn visit_tensors(library: &Library, container: &Container<'_>) -> TokenStream {
    let path = argument(container, quote!(path));
    let visit = argument(container, quote!(visit));
    let visits = container.fields.iter().map(|field| {
        let (member, name) = (&field.member, field.name());
        let method = library.method(field.ty, "Batch", "visit_tensors");
        quote!(#method(&self.#member, path.field(#name), visit)?;)
    });
    quote! {
        fn visit_tensors(
            &self,
            #path: #library::FieldPath<'_>,
            #visit: &mut dyn ::core::ops::FnMut(
                #library::FieldPath<'_>,
                &#library::Tensor,
            ) -> #library::Result<()>,
        ) -> #library::Result<()> {
            #(#visits)*
            ::core::result::Result::Ok(())
        }
    }
}

fn map_tensors(library: &Library, container: &Container<'_>) -> TokenStream {
    let path = argument(container, quote!(path));
    let map = argument(container, quote!(map));
    let values = container.fields.iter().map(|field| {
        let (member, name) = (&field.member, field.name());
        let method = library.method(field.ty, "Batch", "map_tensors");
        quote!(#method(&self.#member, path.field(#name), map)?)
    });
    let built = construct(container, values);
    quote! {
        fn map_tensors(
            &self,
            #path: #library::FieldPath<'_>,
            #map: &mut dyn ::core::ops::FnMut(
                #library::FieldPath<'_>,
                &#library::Tensor,
            ) -> #library::Result<#library::Tensor>,
        ) -> #library::Result<Self> {
            ::core::result::Result::Ok(#built)
        }
    }
}

fn zip_tensors(library: &Library, container: &Container<'_>) -> TokenStream {
    let parts = argument(container, quote!(parts));
    let path = argument(container, quote!(path));
    let zip = argument(container, quote!(zip));
    let values = container.fields.iter().map(|field| {
        let (member, name) = (&field.member, field.name());
        let method = library.method(field.ty, "Batch", "zip_tensors");
        quote! {
            #method(&#library::project(parts, |part| &part.#member), path.field(#name), zip)?
        }
    });
    let built = construct(container, values);
    quote! {
        fn zip_tensors(
            #parts: &[&Self],
            #path: #library::FieldPath<'_>,
            #zip: &mut dyn ::core::ops::FnMut(
                #library::FieldPath<'_>,
                &[&#library::Tensor],
            ) -> #library::Result<#library::Tensor>,
        ) -> #library::Result<Self> {
            ::core::result::Result::Ok(#built)
        }
    }
}

/// `Self` with `values` in order of declaration.
fn construct(container: &Container<'_>, values: impl Iterator<Item = TokenStream>) -> TokenStream {
    match container.shape {
        Fields::Named(_) => {
            let members = container.fields.iter().map(|field| &field.member);
            quote!(Self { #(#members: #values,)* })
        }
        Fields::Unnamed(_) => quote!(Self(#(#values,)*)),
        Fields::Unit => quote!(Self),
    }
}
