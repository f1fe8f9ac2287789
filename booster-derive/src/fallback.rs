//! Placeholders for generated types, so that an error in the input causes no further errors where the types are used.
//!
//! For a type that depends on an erroneous constant, rustc reports neither missing fields, methods or traits nor type
//! mismatches. The errors therefore go into a constant on which every placeholder depends.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, DeriveInput, Generics, Visibility, parse_quote};

use crate::{generics, meta, names};

/// Returns the generics of a struct, with the bound `Send + 'static` on the struct itself in a form that rustc does not
/// check.
pub(crate) fn with_unchecked_bounds(input: &DeriveInput) -> Generics {
    let ident = &input.ident;
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let mut generics = input.generics.clone();
    // The `for<..>` keeps rustc from rejecting an unsatisfied bound.
    generics.make_where_clause().predicates.push(parse_quote! {
        for<'fallback> #ident #ty_generics: ::core::marker::Send + 'static
    });
    generics
}

/// The errors of an expansion as an erroneous constant.
pub(crate) struct InError<'a> {
    vis: &'a Visibility,
    ident: Ident,
    /// The `#[cfg]`s of the user's item.
    cfgs: Vec<&'a Attribute>,
    errors: TokenStream,
}

impl<'a> InError<'a> {
    /// Wraps the errors of an item that has the attributes `attrs` and a placeholder named `of`.
    pub(crate) fn new(attrs: &'a [Attribute], vis: &'a Visibility, of: &Ident, errors: TokenStream) -> Self {
        let ident = names::generated(&format!("__{}InError", names::plain(of)), of.span());
        Self { vis, ident, cfgs: meta::cfgs(attrs).collect(), errors }
    }

    /// Returns the `#[cfg]`s of the user's item, which every generated item repeats.
    pub(crate) fn cfgs(&self) -> TokenStream {
        let cfgs = &self.cfgs;
        quote!(#(#cfgs)*)
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.ident
    }

    /// Returns the constant, which contains each error once.
    ///
    /// Its value is a `loop`, which has any type: an editor would report a mismatched type for a block.
    pub(crate) fn constant(&self) -> TokenStream {
        let Self { vis, ident, cfgs, errors } = self;
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals, unexpected_cfgs)]
            #vis const #ident: ::core::primitive::usize = loop { #errors };
        }
    }

    /// Returns a type that matches any other: rustc turns a projection that depends on an error into its error type.
    pub(crate) fn ty(&self) -> TokenStream {
        self.projection(&quote!(()))
    }

    fn projection(&self, mentioned: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        quote!(<[#mentioned; { #ident }] as ::core::iter::Iterator>::Item)
    }

    /// Returns an alias as the placeholder for a struct whose fields are unknown.
    pub(crate) fn alias(&self, name: &Ident, generics: &Generics) -> TokenStream {
        let Self { vis, cfgs, .. } = self;
        let generics = generics::bare(generics);
        // An alias must use its parameters.
        let ty = self.projection(&generics::phantom(&generics, &generics::names(&generics)));
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(dead_code)]
            #vis type #name #generics = #ty;
        }
    }

    /// Returns a placeholder for a struct, with the known fields.
    pub(crate) fn structure(&self, name: &Ident, generics: &Generics, fields: &TokenStream) -> TokenStream {
        let Self { vis, ident, cfgs, .. } = self;
        let generics = generics::bare(generics);
        let params = generics.params.iter();
        let phantom = generics::phantom(&generics, &generics::names(&generics));
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(dead_code, non_snake_case)]
            #vis struct #name<#(#params,)* const __IN_ERROR: ::core::primitive::usize = { #ident }> {
                #fields
                __marker: ::core::marker::PhantomData<fn() -> #phantom>,
            }
        }
    }
}
