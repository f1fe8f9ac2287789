//! Reading attributes, alike for all three macros.

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

/// What stands where a string literal should, without invisible groups around it.
pub(crate) fn ungrouped(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}

/// Reports what stands where a string literal should.
pub(crate) fn not_a_string(ctxt: &Ctxt, value: &Expr) {
    let found = compact(value);
    ctxt.error_with_help(value, format_args!("expected a string literal, found `{found}`"), "put the name in quotes");
}

pub(crate) fn is_doc(attr: &Attribute) -> bool {
    attr.path().is_ident("doc")
}

/// The documentation among `attrs`.
pub(crate) fn docs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| is_doc(attr))
}

/// A line of generated documentation.
pub(crate) fn doc(line: &str) -> TokenStream {
    // The space is what a doc comment has: rustdoc strips it from all lines alike.
    let line = format!(" {line}");
    quote!(#[doc = #line])
}

/// What generated items inherit of the user's lint levels, as the items of rustc's own derives do.
///
/// An `expect` is inherited as `allow`: the copies need not fulfil it.
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

/// The `#[cfg(..)]`s among `attrs`.
pub(crate) fn cfgs(attrs: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attrs.iter().filter(|attr| is_cfg(attr))
}
