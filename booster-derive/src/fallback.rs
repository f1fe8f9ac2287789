//! Stand-ins for generated types, beside errors: nothing that the user does with one is an error of its own.
//!
//! rustc keeps quiet about a type that depends on a constant in error: about fields and methods that it does not have,
//! arguments that do not fit and traits that it lacks. So the errors are written into such a constant, and every
//! stand-in has it as the default of a parameter.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Generics, Visibility};

use crate::{generics, meta, names};

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

    pub(crate) fn vis(&self) -> &'a Visibility {
        self.vis
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
            #[allow(dead_code, non_upper_case_globals)]
            #vis const #ident: ::core::primitive::usize = loop { #errors };
        }
    }

    /// A type that is anything: of what depends on an error, a projection is the compiler's own type for errors.
    ///
    /// Unlike the structs, it is quiet behind any number of `Deref`s; but an editor knows none of its fields.
    pub(crate) fn ty(&self) -> TokenStream {
        let ident = &self.ident;
        quote!(<[(); { #ident }] as ::core::iter::Iterator>::Item)
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
