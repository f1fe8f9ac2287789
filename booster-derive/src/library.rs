//! Paths into the library: every generated one starts here.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, Type};

use crate::{manifest, names};

/// The library's path: what the user's attribute says by `crate = path`, or else the name that `Cargo.toml` gives it.
#[derive(Clone)]
pub(crate) struct Library {
    path: TokenStream,
}

impl Default for Library {
    fn default() -> Self {
        let name = manifest::renamed().and_then(|name| names::identifier(&name, Span::call_site()));
        Self { path: name.map_or_else(|| quote!(::booster), |name| quote!(::#name)) }
    }
}

impl Library {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_token_stream() }
    }

    /// The library's own path, to be handed on to another macro.
    pub(crate) fn root(&self) -> &TokenStream {
        &self.path
    }

    /// `<ty as Trait>::method` with the user's own type tokens, all of it shown at the type.
    ///
    /// Where `ty` does not implement the trait, every mention in this form gives the same error on
    /// the same span, and rustc prints it once.
    pub(crate) fn method(&self, ty: &Type, of: &str, method: &str) -> TokenStream {
        qualified(ty, &self.item(of, start(ty)), method)
    }

    /// The same by the library's public path, which documentation shows.
    pub(crate) fn public_method(&self, ty: &Type, of: &str, method: &str) -> TokenStream {
        let span = shown_at(start(ty));
        let path = located_at(self.path.clone(), start(ty));
        let of = Ident::new(of, span);
        qualified(ty, &quote_spanned!(span=> #path::#of), method)
    }

    /// The library's `item`, shown at `near`.
    pub(crate) fn item(&self, item: &str, near: Span) -> TokenStream {
        let path = located_at(self.to_token_stream(), near);
        let item = Ident::new(item, shown_at(near));
        quote_spanned!(shown_at(near)=> #path::#item)
    }
}

impl ToTokens for Library {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let path = &self.path;
        tokens.extend(quote!(#path::__private));
    }
}

/// `<ty as bound>::method`, shown at the type.
fn qualified(ty: &Type, bound: &TokenStream, method: &str) -> TokenStream {
    let span = shown_at(start(ty));
    let method = Ident::new(method, span);
    quote_spanned!(span=> <#ty as #bound>::#method)
}

/// Where `ty` starts: stable macros cannot join the spans of several tokens.
pub(crate) fn start(ty: &Type) -> Span {
    start_of(&ty.to_token_stream())
}

/// Where some tokens start.
pub(crate) fn start_of(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// Resolved where the macro is called, shown at `near`.
///
/// The user's span itself would also carry the hygiene of a `macro_rules!` that the tokens came
/// through, and a `self` or a local of ours would not be found there.
pub(crate) fn shown_at(near: Span) -> Span {
    Span::call_site().located_at(near)
}

/// Where an implementation for the generated `ident` is shown, its name, and the type itself shown there.
pub(crate) fn at_name(ident: &Ident, ty_generics: &impl ToTokens) -> (Span, TokenStream) {
    let near = shown_at(ident.span());
    (near, located_at(quote!(#ident #ty_generics), near))
}

/// The same tokens, with the same resolution (`$crate` stays itself), shown at `near`.
pub(crate) fn located_at(tokens: TokenStream, near: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut token| {
            if let TokenTree::Group(group) = &token {
                let inner = located_at(group.stream(), near);
                token = Group::new(group.delimiter(), inner).into();
            }
            token.set_span(token.span().located_at(near));
            token
        })
        .collect()
}
