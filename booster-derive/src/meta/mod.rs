//! Parsing of attributes, shared by all three macros.

mod arguments;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Attribute, Expr, Meta};

pub(crate) use self::arguments::{
    Argument, arguments, container_library, crate_argument, name_argument, no_arguments, parse_arguments,
    rest_of_argument, skip_argument, unknown,
};
use crate::ctxt::Ctxt;
use crate::text::compact;

/// Returns an expression without the invisible groups around it, which `macro_rules!` fragments have.
pub(crate) fn ungrouped(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}

/// Reports an expression in place of a string literal.
pub(crate) fn not_a_string(ctxt: &Ctxt, value: &Expr) {
    let found = compact(value);
    ctxt.error_with_help(value, format_args!("expected a string literal, found `{found}`"), "put the name in quotes");
}

pub(crate) fn is_doc(attr: &Attribute) -> bool {
    attr.path().is_ident("doc")
}

/// Returns the doc comments among `attrs`.
pub(crate) fn docs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| is_doc(attr))
}

/// Generates a doc comment of one line.
pub(crate) fn doc(line: &str) -> TokenStream {
    // Keep the leading space of a doc comment, since rustdoc strips the same indentation from all lines.
    let line = format!(" {line}");
    quote!(#[doc = #line])
}

/// Returns the user's lint levels for generated items, as rustc's own derives do.
///
/// An `expect` becomes an `allow`, since the generated items need not fulfill it.
pub(crate) fn lint_levels(attrs: &[Attribute]) -> TokenStream {
    let mut levels = TokenStream::new();
    for attr in attrs {
        if let Meta::List(list) = &attr.meta
            && (list.path.is_ident("allow") || list.path.is_ident("expect"))
        {
            let (level, lints) = (format_ident!("allow"), &list.tokens);
            levels.extend(quote!(#[#level(#lints)]));
        }
    }
    levels
}

pub(crate) fn is_cfg(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg")
}

/// Returns the `#[cfg(..)]`s among `attrs`.
pub(crate) fn cfgs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| is_cfg(attr))
}
