//! The expansion of a valid struct: `impl Batch`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{DeriveInput, Fields, Generics, WherePredicate, parse_quote};

use super::ast::Container;
use crate::generics::{self, is_generic};
use crate::library::Library;
use crate::meta;

pub(super) fn container(library: &Library, container: &Container<'_>) -> TokenStream {
    let lints = meta::lint_levels(&container.input.attrs);
    let generics = impl_generics(library, container);
    let fields = || container.fields.iter().map(|field| (&field.member, field.ty, field.name()));
    let visits = fields().map(|(member, ty, name)| {
        let method = library.method(ty, "Batch", "visit_tensors");
        quote!(#method(&self.#member, path.field(#name), visit)?;)
    });
    let visits = quote!(#(#visits)* ::core::result::Result::Ok(()));
    let mapped = construct(
        container,
        fields().map(|(member, ty, name)| {
            let method = library.method(ty, "Batch", "map_tensors");
            quote!(#method(&self.#member, path.field(#name), map)?)
        }),
    );
    let zipped = construct(
        container,
        fields().map(|(member, ty, name)| {
            let method = library.method(ty, "Batch", "zip_tensors");
            quote!(#method(&#library::project(parts, |part| &part.#member), path.field(#name), zip)?)
        }),
    );
    let implementation = if container.fields.is_empty() {
        unused(library, container.input, &generics, [visits, mapped, zipped])
    } else {
        let names = [quote!(path), quote!(visit), quote!(map), quote!(parts), quote!(zip)];
        implementation(library, container.input, &generics, names, [visits, mapped, zipped])
    };
    quote!(#lints #implementation)
}

/// Returns the user's generics, with a `Batch` bound for each field whose type mentions a parameter.
fn impl_generics(library: &Library, container: &Container<'_>) -> Generics {
    let mut generics = container.input.generics.clone();
    let batch = library.item("Batch", Span::call_site());
    let types = container.fields.iter().map(|field| field.ty);
    let predicates: Vec<WherePredicate> =
        types.filter(|ty| is_generic(&container.input.generics, ty)).map(|ty| parse_quote!(#ty: #batch)).collect();
    generics::add_predicates(&mut generics, predicates);
    generics
}

/// Generates `impl Batch` with method bodies that use no arguments.
pub(super) fn unused(
    library: &Library,
    input: &DeriveInput,
    generics: &Generics,
    bodies: [TokenStream; 3],
) -> TokenStream {
    implementation(library, input, generics, [(); 5].map(|()| quote!(_)), bodies)
}

fn implementation(
    library: &Library,
    input: &DeriveInput,
    generics: &Generics,
    [path, visit, map, parts, zip]: [TokenStream; 5],
    [visits, mapped, zipped]: [TokenStream; 3],
) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #library::Batch for #ident #ty_generics #where_clause {
            fn visit_tensors(
                &self,
                #path: #library::FieldPath<'_>,
                #visit: &mut dyn ::core::ops::FnMut(
                    #library::FieldPath<'_>,
                    &#library::Tensor,
                ) -> #library::Result<()>,
            ) -> #library::Result<()> {
                #visits
            }

            fn map_tensors(
                &self,
                #path: #library::FieldPath<'_>,
                #map: &mut dyn ::core::ops::FnMut(
                    #library::FieldPath<'_>,
                    &#library::Tensor,
                ) -> #library::Result<#library::Tensor>,
            ) -> #library::Result<Self> {
                #mapped
            }

            fn zip_tensors(
                #parts: &[&Self],
                #path: #library::FieldPath<'_>,
                #zip: &mut dyn ::core::ops::FnMut(
                    #library::FieldPath<'_>,
                    &[&#library::Tensor],
                ) -> #library::Result<#library::Tensor>,
            ) -> #library::Result<Self> {
                #zipped
            }
        }
    }
}

/// Generates an `Ok(Self)` with `values` in order of declaration.
fn construct(container: &Container<'_>, values: impl Iterator<Item = TokenStream>) -> TokenStream {
    match container.shape {
        Fields::Named(_) => {
            let members = container.fields.iter().map(|field| &field.member);
            quote!(::core::result::Result::Ok(Self { #(#members: #values,)* }))
        }
        Fields::Unnamed(_) => quote!(::core::result::Result::Ok(Self(#(#values,)*))),
        Fields::Unit => quote!(::core::result::Result::Ok(Self)),
    }
}
