//! Completion and documentation of attribute arguments in an editor.
//!
//! Each argument name expands to the path of the library item that documents it, under a `cfg` that only rust-analyzer
//! sets.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Meta};

use crate::library::Library;
use crate::names;

/// Returns lint levels for the item that contains the generated paths, since no crate declares their `cfg`.
pub(crate) fn lints() -> TokenStream {
    quote!(#[allow(unexpected_cfgs)])
}

/// The argument names found so far, by the library module that documents them.
#[derive(Default)]
pub(crate) struct Words {
    found: BTreeMap<&'static str, Vec<Ident>>,
}

impl Words {
    /// Collects the names of the attributes in `lists`, and their arguments under the module listed there.
    pub(crate) fn attributes(&mut self, attrs: &[Attribute], lists: &[(&str, &'static str)]) {
        for attr in attrs {
            let known = lists.iter().find(|(name, _)| attr.path().is_ident(name));
            let (Some((_, module)), Some(name)) = (known, attr.path().get_ident()) else { continue };
            self.take("attributes", name);
            if let Meta::List(list) = &attr.meta {
                self.list(module, list.tokens.clone());
            }
        }
    }

    /// Collects the first word of each argument, even an unknown one, since it may be half typed.
    pub(crate) fn list(&mut self, module: &'static str, arguments: TokenStream) {
        let (mut starts, mut depth) = (true, 0_usize);
        for token in arguments {
            match &token {
                TokenTree::Ident(word) if starts => self.take(module, word),
                TokenTree::Punct(sign) if sign.as_char() == '<' => depth += 1,
                TokenTree::Punct(sign) if sign.as_char() == '>' => depth = depth.saturating_sub(1),
                _ => {}
            }
            starts = depth == 0 && matches!(&token, TokenTree::Punct(sign) if sign.as_char() == ',');
        }
    }

    fn take(&mut self, module: &'static str, word: &Ident) {
        let text = word.to_string();
        // `p95` stands for all percentiles.
        let percentile = |digits: &str| {
            digits.starts_with(|first: char| first.is_ascii_digit())
                && digits.chars().all(|digit| digit == '_' || digit.is_ascii_digit())
        };
        let name = if text.strip_prefix('p').is_some_and(percentile) { "p95" } else { &text };
        // A keyword cannot name an item.
        if names::identifier(name, Span::call_site()).is_some_and(|plain| plain == name) {
            self.found.entry(module).or_default().push(Ident::new(name, word.span()));
        }
    }

    pub(crate) fn tokens(&self, library: &Library) -> TokenStream {
        if self.found.is_empty() {
            return TokenStream::new();
        }
        let modules = self.found.iter().map(|(module, words)| {
            let module = Ident::new(module, Span::call_site());
            quote!(use #library::words::#module::{#(#words as _),*};)
        });
        quote! {
            #[cfg(rust_analyzer)]
            const _: () = {
                #(#modules)*
            };
        }
    }
}
