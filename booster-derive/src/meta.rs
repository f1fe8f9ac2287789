//! Reading the arguments of attributes, alike for all three macros.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::meta::ParseNestedMeta;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Meta, Path, Token};

use crate::ctxt::Ctxt;
use crate::library::Library;
use crate::suggest;
use crate::text::compact;

/// Calls `each` for every argument of `#[name(argument, ..)]`.
///
/// `usage` is how the attribute is written, for the help below an error. Returns whether there was
/// a list of arguments to read.
pub(crate) fn arguments(
    ctxt: &Ctxt,
    attr: &Attribute,
    usage: &str,
    each: impl FnMut(ParseNestedMeta<'_>) -> syn::Result<()>,
) -> bool {
    let Meta::List(list) = &attr.meta else {
        in_parentheses(ctxt, attr, usage);
        return false;
    };
    if list.tokens.is_empty() {
        in_parentheses(ctxt, attr, usage);
        return false;
    }
    if let Err(error) = list.parse_args_with(syn::meta::parser(each)) {
        ctxt.syn_error(error);
    }
    true
}

fn in_parentheses(ctxt: &Ctxt, attr: &Attribute, usage: &str) {
    let name = attr.path().to_token_stream();
    ctxt.error_with_help(
        attr,
        format_args!("`{name}` takes its arguments in parentheses"),
        format_args!("write {usage}"),
    );
}

/// Reports an argument that is not one of `known`, and skips what follows it.
pub(crate) fn unknown(ctxt: &Ctxt, meta: &ParseNestedMeta<'_>, what: &str, known: &[&str]) {
    unknown_word(ctxt, &meta.path, what, known);
    skip_argument(meta.input);
}

pub(crate) fn unknown_word(ctxt: &Ctxt, word: &Path, what: &str, known: &[&str]) {
    let name = compact(word);
    let help = format!("expected {}", alternatives(known));
    match suggest::nearest(&name, known) {
        Some(near) => ctxt.error_with_help(word, format_args!("unknown {what} `{name}`, did you mean `{near}`?"), help),
        None => ctxt.error_with_help(word, format_args!("unknown {what} `{name}`"), help),
    }
}

/// `a`, `b` or `c`, each in backquotes.
fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Skips to the next comma, so that the arguments behind a wrong one are still read.
pub(crate) fn skip_argument(input: ParseStream<'_>) {
    rest_of_argument(input);
}

/// What stands before the next comma.
pub(crate) fn rest_of_argument(input: ParseStream<'_>) -> TokenStream {
    let mut rest = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => rest.extend([token]),
            Err(_) => break,
        }
    }
    rest
}

/// Reads `= path` of `crate = path`; none, and reported, where it is none.
pub(crate) fn library(ctxt: &Ctxt, meta: &ParseNestedMeta<'_>) -> Option<Library> {
    let rest = rest_of_argument(meta.input);
    let mut value = rest.clone().into_iter();
    let equals = value.next().is_some_and(|token| matches!(token, TokenTree::Punct(sign) if sign.as_char() == '='));
    let value: TokenStream = value.collect();
    if !equals || value.is_empty() {
        ctxt.error_with_help(&meta.path, "`crate` takes a path after `=`", "write `crate = path::to::booster`");
        return None;
    }
    match Path::parse_mod_style.parse2(value.clone()) {
        Ok(path) => Some(Library::new(&path)),
        Err(_) => {
            let found = compact(&value);
            let help = "write `crate = path::to::booster`, without quotes";
            ctxt.error_with_help(value, format_args!("expected the path of a crate, found `{found}`"), help);
            None
        }
    }
}

/// Reads the attribute `#[name(crate = path)]` of a container, the only one it takes.
pub(crate) fn container_library(ctxt: &Ctxt, attrs: &[Attribute], name: &str) -> Library {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        arguments(ctxt, attr, &format!("`#[{name}(crate = path)]`"), |meta| {
            if !meta.path.is_ident("crate") {
                unknown(ctxt, &meta, "attribute", &["crate"]);
            } else if found.is_some() {
                ctxt.error_with_help(&meta.path, "duplicate `crate`", "remove one of them");
                skip_argument(meta.input);
            } else {
                found = library(ctxt, &meta);
            }
            Ok(())
        });
    }
    found.unwrap_or_default()
}

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

/// Whether an identifier `name` stands anywhere in `tokens`.
pub(crate) fn mentions_ident(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions_ident(group.stream(), name),
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
