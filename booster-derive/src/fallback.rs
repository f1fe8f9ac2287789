//! Stand-ins for generated types, beside errors: nothing that the user does with one is an error of its own.
//!
//! rustc keeps quiet about a type that depends on a constant in error: about fields and methods that it does not have,
//! arguments that do not fit and traits that it lacks. So the errors are written into such a constant, and every
//! stand-in depends on it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, DeriveInput, Generics, Visibility, parse_quote};

use crate::{generics, meta, names};

/// The generics of a struct, and what the traits ask of it: not to be reported here.
pub(crate) fn on_trust(input: &DeriveInput) -> Generics {
    let ident = &input.ident;
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let mut generics = input.generics.clone();
    // Quantified, so that rustc does not refuse the bound where it is false.
    generics.make_where_clause().predicates.push(parse_quote! {
        for<'fallback> #ident #ty_generics: ::core::marker::Send + 'static
    });
    generics
}

/// The errors of an expansion, as a constant without a value.
pub(crate) struct InError<'a> {
    vis: &'a Visibility,
    ident: Ident,
    /// The conditions under which the item exists at all.
    cfgs: Vec<&'a Attribute>,
    errors: TokenStream,
}

impl<'a> InError<'a> {
    /// The errors of an item with these attributes, whose stand-in is called `of`.
    pub(crate) fn new(attrs: &'a [Attribute], vis: &'a Visibility, of: &Ident, errors: TokenStream) -> Self {
        let ident = names::generated(&format!("__{}InError", names::plain(of)), of.span());
        Self { vis, ident, cfgs: meta::cfgs(attrs).collect(), errors }
    }

    /// The conditions under which the item exists, for what else comes out.
    pub(crate) fn cfgs(&self) -> TokenStream {
        let cfgs = &self.cfgs;
        quote!(#(#cfgs)*)
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.ident
    }

    /// The constant: each of the errors, once.
    ///
    /// In a loop, which is of any type: an editor would report the type of a block beside them.
    pub(crate) fn constant(&self) -> TokenStream {
        let Self { vis, ident, cfgs, errors } = self;
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals, unexpected_cfgs)]
            #vis const #ident: ::core::primitive::usize = loop { #errors };
        }
    }

    /// A type that is anything: of what depends on an error, a projection is the compiler's own type for errors.
    pub(crate) fn ty(&self) -> TokenStream {
        self.projection(&quote!(()))
    }

    fn projection(&self, mentioned: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        quote!(<[#mentioned; { #ident }] as ::core::iter::Iterator>::Item)
    }

    /// An alias that stands in for the struct of this name, of which nothing is known.
    pub(crate) fn alias(&self, name: &Ident, generics: &Generics) -> TokenStream {
        let Self { vis, cfgs, .. } = self;
        let generics = generics::bare(generics);
        // An alias has to mention its parameters.
        let ty = self.projection(&generics::phantom(&generics, &generics::names(&generics)));
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(dead_code)]
            #vis type #name #generics = #ty;
        }
    }

    /// A struct that stands in for the one of this name, with the fields that are known.
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
