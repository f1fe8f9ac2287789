//! Paths of library items in generated code.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, Type};

use crate::{manifest, names};

/// The path of the library: the argument `crate = path`, or else the library's name in `Cargo.toml`.
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

    /// Returns the path of the library itself, to pass it on to another macro.
    pub(crate) fn root(&self) -> &TokenStream {
        &self.path
    }

    /// Returns `<ty as Trait>::method` with the user's own tokens for `ty` and all spans at that type.
    ///
    /// If `ty` does not implement the trait, all such paths cause the same error on the same span, which rustc prints
    /// once.
    pub(crate) fn method(&self, ty: &Type, of: &str, method: &str) -> TokenStream {
        qualified(ty, &self.item(of, start(ty)), method)
    }

    /// Returns the same path as [`method`](Self::method), but by way of the trait's public path, which documentation
    /// shows.
    pub(crate) fn public_method(&self, ty: &Type, of: &str, method: &str) -> TokenStream {
        let span = shown_at(start(ty));
        let path = located_at(self.path.clone(), start(ty));
        let of = Ident::new(of, span);
        qualified(ty, &quote_spanned!(span=> #path::#of), method)
    }

    /// Returns the path of a library item, with its spans at `near`.
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

/// Returns `<ty as bound>::method`, with its spans at the type.
fn qualified(ty: &Type, bound: &TokenStream, method: &str) -> TokenStream {
    let span = shown_at(start(ty));
    let method = Ident::new(method, span);
    quote_spanned!(span=> <#ty as #bound>::#method)
}

/// Returns the span of the first token of `ty`, since stable macros cannot join spans.
pub(crate) fn start(ty: &Type) -> Span {
    start_of(&ty.to_token_stream())
}

/// Returns the span of the first of `tokens`.
pub(crate) fn start_of(tokens: &TokenStream) -> Span {
    tokens.clone().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// Returns a span located at `near` that resolves at the call site.
///
/// The user's span may carry the hygiene of a `macro_rules!`, in which our `self` and locals do not resolve.
pub(crate) fn shown_at(near: Span) -> Span {
    Span::call_site().located_at(near)
}

/// Returns the span for an `impl` block of the generated type `ident`, and that type with the same span.
pub(crate) fn at_name(ident: &Ident, ty_generics: &impl ToTokens) -> (Span, TokenStream) {
    let near = shown_at(ident.span());
    (near, located_at(quote!(#ident #ty_generics), near))
}

/// Moves the spans of `tokens` to `near` but preserves the hygiene of each span, such as that of `$crate`.
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
