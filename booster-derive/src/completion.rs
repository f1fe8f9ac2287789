//! The words of attributes, as an editor completes and explains them: by paths to items of the library that document
//! them.
//!
//! Only rust-analyzer sets the condition that they are under: rustc leaves them out.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Meta};

use crate::library::Library;
use crate::names;

/// For an item around the words: no crate expects their condition.
pub(crate) fn lints() -> TokenStream {
    quote!(#[allow(unexpected_cfgs)])
}

/// The words found so far, by the module of the library that has their documentation.
#[derive(Default)]
pub(crate) struct Words {
    found: BTreeMap<&'static str, Vec<Ident>>,
}

impl Words {
    /// Takes the names of `attrs` that are in `lists`, and the words in their parentheses by the module that is named
    /// there.
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

    /// Takes the word at the start of each argument, whether there is such a word or not: it may be half typed.
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
        // One stands for all percentiles; a keyword is not the name of an item.
        let percentile = |digits: &str| {
            digits.starts_with(|first: char| first.is_ascii_digit())
                && digits.chars().all(|digit| digit == '_' || digit.is_ascii_digit())
        };
        let name = if text.strip_prefix('p').is_some_and(percentile) { "p95" } else { &text };
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
