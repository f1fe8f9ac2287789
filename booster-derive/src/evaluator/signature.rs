//! Checks of the function signature, and the name of the evaluator.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, FnArg, GenericParam, Ident, ItemFn, Safety, TraitItemFn};

use crate::ctxt::Ctxt;
use crate::library::shown_at;
use crate::names;

/// Reports an item other than a function, on its keyword.
pub(super) fn not_a_function(ctxt: &Ctxt, item: &TokenStream, error: syn::Error) {
    const KINDS: [&str; 12] =
        ["struct", "enum", "union", "trait", "impl", "mod", "use", "type", "static", "const", "macro_rules", "extern"];
    let idents: Vec<_> = item
        .clone()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident),
            _ => None,
        })
        .collect();
    let kind = idents.iter().find(|ident| KINDS.contains(&ident.to_string().as_str()));
    match kind {
        Some(kind) if !idents.iter().any(|ident| ident == "fn") => ctxt.error_with_help(
            kind,
            "`#[evaluator]` can only be applied to functions",
            "the function becomes a struct with its `#[param]`s as fields",
        ),
        _ => match syn::parse2::<TraitItemFn>(item.clone()) {
            Ok(TraitItemFn { default: None, semi_token, .. }) => ctxt.error_with_help(
                semi_token,
                "an `#[evaluator]` function must have a body",
                "write a free function that is generic over the implementing type",
            ),
            _ => ctxt.syn_error(error),
        },
    }
}

/// Returns whether an attribute is `#[evaluator]`.
pub(super) fn is_evaluator(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "evaluator")
}

/// Reports a second `#[evaluator]`, which would be applied to the output of the first.
pub(super) fn once(ctxt: &Ctxt, function: &ItemFn) {
    for second in function.attrs.iter().filter(|attr| is_evaluator(attr)) {
        ctxt.error_with_help(second, "duplicate `#[evaluator]`", "remove one of them");
    }
}

/// Reports unsupported parts of a signature. Returns `false` for a method.
pub(super) fn check(ctxt: &Ctxt, function: &ItemFn) -> bool {
    let sig = &function.sig;
    let cannot_be = |token: &dyn ToTokens, word: &str| {
        ctxt.error_with_help(
            token.to_token_stream(),
            format_args!("`#[evaluator]` functions cannot be `{word}`"),
            format_args!("remove `{word}`"),
        );
    };
    if let Some(token) = &sig.constness {
        cannot_be(token, "const");
    }
    if let Some(token) = &sig.asyncness {
        cannot_be(token, "async");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        cannot_be(token, "unsafe");
    }
    if let Some(abi) = &sig.abi {
        cannot_be(&abi.extern_token, "extern");
    }
    if let Some(variadic) = &sig.variadic {
        ctxt.error_with_help(variadic.dots, "`#[evaluator]` functions cannot be variadic", "remove `...`");
    }
    let receiver = sig.inputs.first().and_then(|input| match input {
        FnArg::Receiver(receiver) => Some(receiver.self_token.to_token_stream()),
        FnArg::Typed(_) => None,
    });
    if let Some(method_token) = receiver.or_else(|| first_self(sig.to_token_stream())) {
        ctxt.error_with_help(
            method_token,
            "`#[evaluator]` functions cannot be methods",
            "write a free function with a `#[param]` for each field it needs",
        );
        return false;
    }
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(param) = param {
            ctxt.error_with_help(
                &param.lifetime,
                "`#[evaluator]` functions cannot have lifetime parameters",
                "elide the lifetimes of references: an evaluator owns its parameters",
            );
        }
    }
    true
}

/// Returns the first `Self`, which only an associated function can contain.
pub(super) fn first_self(tokens: TokenStream) -> Option<TokenStream> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => first_self(group.stream()),
        TokenTree::Ident(ident) if ident == "Self" => Some(ident.to_token_stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

/// Returns the name of the struct. Reports a function name that cannot be converted, and returns `None`.
pub(super) fn name(ctxt: &Ctxt, function: &Ident) -> Option<Ident> {
    let camel = names::upper_camel(&names::plain(function));
    let name = names::identifier(&camel, shown_at(function.span()));
    if name.is_none() {
        ctxt.error_with_help(
            function,
            format_args!("cannot derive a struct name from `{function}`"),
            "the struct is named after the function, in UpperCamelCase: rename the function",
        );
    }
    name
}
