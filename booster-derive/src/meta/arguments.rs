//! Parsing of attribute arguments one by one, so that all errors are reported.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Meta, Path, PathSegment, Token};

use crate::ctxt::Ctxt;
use crate::library::Library;
use crate::suggest;
use crate::text::compact;

/// An argument whose path has been parsed, with the rest of its tokens unread.
pub(crate) struct Argument<'a> {
    pub(crate) path: Path,
    pub(crate) input: ParseStream<'a>,
}

/// Calls `each` for every argument of `#[name(argument, ..)]`.
///
/// Error messages show `usage` as the correct form. Returns whether the attribute has a list of arguments.
pub(crate) fn arguments(ctxt: &Ctxt, attr: &Attribute, usage: &str, each: impl FnMut(Argument<'_>)) -> bool {
    let Meta::List(list) = &attr.meta else {
        in_parentheses(ctxt, attr, usage);
        return false;
    };
    if list.tokens.is_empty() {
        in_parentheses(ctxt, attr, usage);
        return false;
    }
    parse_arguments(ctxt, list.tokens.clone(), usage, each);
    true
}

/// Calls `each` for every argument of `argument, ..`.
pub(crate) fn parse_arguments(ctxt: &Ctxt, list: TokenStream, usage: &str, mut each: impl FnMut(Argument<'_>)) {
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let word = input.peek(Ident::peek_any) || input.peek(Token![::]);
            let ahead = input.fork();
            if word && let Ok(path) = path_of_any_words(&ahead) {
                input.advance_to(&ahead);
                each(Argument { path, input });
            }
            // Tokens remain if `each` did not expect them, or if the argument does not start with a path.
            let rest = rest_of_argument(input);
            let comma = input.parse::<Option<Token![,]>>()?;
            if !rest.is_empty() {
                unexpected(ctxt, rest, usage);
            } else if !word {
                unexpected(ctxt, comma.to_token_stream(), usage);
            }
        }
        Ok(())
    };
    if let Err(error) = parser.parse2(list) {
        ctxt.syn_error(error);
    }
}

fn unexpected(ctxt: &Ctxt, tokens: TokenStream, usage: &str) {
    let found = compact(&tokens);
    ctxt.error_with_help(tokens, format_args!("unexpected `{found}`"), format_args!("write {usage}"));
}

/// Parses a path whose segments may be keywords, such as `crate`.
fn path_of_any_words(input: ParseStream<'_>) -> syn::Result<Path> {
    let leading_colon = input.parse()?;
    let mut segments = Punctuated::new();
    segments.push_value(PathSegment::from(input.call(Ident::parse_any)?));
    while input.peek(Token![::]) {
        segments.push_punct(input.parse()?);
        segments.push_value(PathSegment::from(input.call(Ident::parse_any)?));
    }
    Ok(Path { leading_colon, segments })
}

/// Reports any tokens after a word that takes no arguments, and returns `true` if there are none.
pub(crate) fn no_arguments(ctxt: &Ctxt, word: &impl ToTokens, rest: &TokenStream) -> bool {
    if !rest.is_empty() {
        let word = compact(word);
        ctxt.error_with_help(
            rest,
            format_args!("`{word}` takes no arguments"),
            format_args!("write `{word}`, with a comma before the next argument"),
        );
    }
    rest.is_empty()
}

fn in_parentheses(ctxt: &Ctxt, attr: &Attribute, usage: &str) {
    let name = attr.path().to_token_stream();
    ctxt.error_with_help(
        attr,
        format_args!("`{name}` takes its arguments in parentheses"),
        format_args!("write {usage}"),
    );
}

/// Reports an argument that is not one of `known`, and skips its remaining tokens.
pub(crate) fn unknown(ctxt: &Ctxt, meta: &Argument<'_>, what: &str, known: &[&str]) {
    unknown_word(ctxt, &meta.path, what, known);
    skip_argument(meta.input);
}

fn unknown_word(ctxt: &Ctxt, word: &Path, what: &str, known: &[&str]) {
    let name = compact(word);
    let help = format!("expected {}", alternatives(known));
    match suggest::nearest(&name, known) {
        Some(near) => ctxt.error_with_help(word, format_args!("unknown {what} `{name}`, did you mean `{near}`?"), help),
        None => ctxt.error_with_help(word, format_args!("unknown {what} `{name}`"), help),
    }
}

/// Formats a list such as "`a`, `b` or `c`".
fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Skips to the next comma, so that the arguments after an invalid one are still read.
pub(crate) fn skip_argument(input: ParseStream<'_>) {
    rest_of_argument(input);
}

/// Reads the tokens before the next comma.
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

/// Parses the `= path` of `crate = path`. Reports anything else and returns `None`.
fn library(ctxt: &Ctxt, meta: &Argument<'_>) -> Option<Library> {
    let rest = rest_of_argument(meta.input);
    let mut value = rest.clone().into_iter();
    let equals = value.next().is_some_and(|token| matches!(token, TokenTree::Punct(sign) if sign.as_char() == '='));
    let value: TokenStream = value.collect();
    if !equals || value.is_empty() {
        ctxt.error_with_help(&meta.path, "`crate` takes a path after `=`", "write `crate = path::to::booster`");
        return None;
    }
    let Ok(path) = Path::parse_mod_style.parse2(value.clone()) else {
        let found = compact(&value);
        ctxt.error_with_help(
            value,
            format_args!("expected a crate path, found `{found}`"),
            "write `crate = path::to::booster`, without quotes",
        );
        return None;
    };
    Some(Library::new(&path))
}

/// Parses `crate = path`, and reports any other argument with `known` as the alternatives.
pub(crate) fn crate_argument(
    ctxt: &Ctxt,
    meta: &Argument<'_>,
    what: &str,
    known: &[&str],
    found: &mut Option<Library>,
) {
    if !meta.path.is_ident("crate") {
        unknown(ctxt, meta, what, known);
    } else if found.is_some() {
        ctxt.error_with_help(&meta.path, "duplicate `crate`", "remove one of them");
        skip_argument(meta.input);
    } else {
        *found = library(ctxt, meta);
    }
}

/// Parses the `= Name` of an argument such as `name = Name`.
pub(crate) fn name_argument(ctxt: &Ctxt, meta: &Argument<'_>, found: &mut Option<Ident>) {
    let word = compact(&meta.path);
    let rest = rest_of_argument(meta.input);
    let parser = |input: ParseStream<'_>| input.parse::<Token![=]>().and_then(|_| input.parse::<Ident>());
    if found.is_some() {
        ctxt.error_with_help(&meta.path, format_args!("duplicate `{word}`"), "remove one of them");
    } else if let Ok(name) = parser.parse2(rest) {
        *found = Some(name);
    } else {
        ctxt.error_with_help(
            &meta.path,
            format_args!("`{word}` takes an identifier after `=`"),
            format_args!("write `{word} = Name`"),
        );
    }
}

/// Parses the attribute `#[name(crate = path)]` of a container that takes no other argument.
pub(crate) fn container_library(ctxt: &Ctxt, attrs: &[Attribute], name: &str) -> Library {
    let mut found = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
        arguments(ctxt, attr, &format!("`#[{name}(crate = path)]`"), |meta| {
            crate_argument(ctxt, &meta, "attribute", &["crate"], &mut found);
        });
    }
    found.unwrap_or_default()
}
